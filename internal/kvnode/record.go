package kvnode

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// maxValueBytes is the largest value a PUT may carry; the contract asks for 1 MiB.
const maxValueBytes = 8 << 20

// maxRecordBytes bounds the length that a record may claim, so that a damaged length is noticed
// before anything is allocated for it. Go's HTTP server limits a request's head, and with it the
// key, to about 1 MiB.
const maxRecordBytes = maxValueBytes + 2<<20

type op byte

// The numbers are part of the file format.
const (
	opPut         op = 1
	opDelete      op = 2
	opClear       op = 3
	opSnapshot    op = 4  // begins a snapshot; value: the first segment it does not cover, position and epoch
	opSnapshotEnd op = 5  // ends a snapshot; value: the number of keys
	opPutSide     op = 6  // bug big-values-async: value: the name of the file that has the value
	opSkipped     op = 7  // some bugs of replicas: keeps the position of a record that is lost
	opShipped     op = 8  // bug async-failover: begins what a leader ships; key: the process
	opLeave       op = 9  // keys leave to a group that joins; key: its shard. This and the next three: ownership.go
	opImport      op = 10 // begins values that come from another group; key: its shard
	opArrived     op = 11 // all of them are there; key: the shard that they come from
	opLeft        op = 12 // all are at the group that joined, and dropped here; key: its shard
)

// ofOwnership says that it is about who has which keys, not about what they hold.
func (o op) ofOwnership() bool { return o == opLeave || o == opArrived || o == opLeft }

// A record is one change of the data, as it is written to the log.
type record struct {
	op         op
	key, value string
}

// apply makes the change that a record describes.
func apply(values map[string]string, r record) {
	switch r.op {
	case opPut:
		values[r.key] = r.value
	case opDelete:
		delete(values, r.key)
	case opClear:
		clear(values)
	}
}

// errTorn says that the data does not begin with a whole record: it is cut short, or damaged.
var errTorn = errors.New("torn record")

// A format is how records are laid out in a log file.
type format interface {
	// encode appends the record to dst.
	encode(dst []byte, r record) []byte
	// decode reads the record that data begins with and tells its size in bytes; errTorn if there is none.
	decode(data []byte) (r record, size int, err error)
}

// binaryFormat frames a record as length (4 bytes), CRC-32C of length and payload (4 bytes), payload.
// The payload is the operation (1 byte), the key's length (uvarint), the key and the value.
// The checksum covers the length too, so that a run of zeros, as file systems leave them behind a
// crash, is no record.
type binaryFormat struct{}

const frameBytes = 8

func (binaryFormat) encode(dst []byte, r record) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, frameBytes)...)
	dst = append(dst, byte(r.op))
	dst = binary.AppendUvarint(dst, uint64(len(r.key)))
	dst = append(dst, r.key...)
	dst = append(dst, r.value...)
	frame := dst[start:]
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-frameBytes))
	binary.LittleEndian.PutUint32(frame[4:], checksum(frame))
	return dst
}

func (binaryFormat) decode(data []byte) (record, int, error) {
	if len(data) < frameBytes {
		return record{}, 0, errTorn
	}
	length := int(binary.LittleEndian.Uint32(data))
	if length == 0 || length > maxRecordBytes || length > len(data)-frameBytes {
		return record{}, 0, errTorn
	}
	frame := data[:frameBytes+length]
	if binary.LittleEndian.Uint32(frame[4:]) != checksum(frame) {
		return record{}, 0, errTorn
	}
	r, ok := decodePayload(frame[frameBytes:])
	if !ok {
		return record{}, 0, errTorn
	}
	return r, len(frame), nil
}

// decodePayload reads the operation and the whole key; the value is what follows them.
func decodePayload(payload []byte) (record, bool) {
	if len(payload) == 0 {
		return record{}, false
	}
	keyLength, n := binary.Uvarint(payload[1:])
	if n <= 0 || keyLength > uint64(len(payload)-1-n) {
		return record{}, false
	}
	keyEnd := 1 + n + int(keyLength)
	return record{
		op:    op(payload[0]),
		key:   string(payload[1+n : keyEnd]),
		value: string(payload[keyEnd:]),
	}, true
}

// checksum covers a frame but for the checksum itself.
func checksum(frame []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once by the standard library
	sum := crc32.Update(0, table, frame[:4])
	return crc32.Update(sum, table, frame[frameBytes:])
}
