package kvnode

import (
	"bytes"
	"errors"
	"testing"
)

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	for name, r := range map[string]record{
		"put":                  {op: opPut, key: "k", value: "v"},
		"put with any bytes":   {op: opPut, key: "..", value: "\"\n\r\x00\xff😀"},
		"put of a large value": {op: opPut, key: "k", value: string(bytes.Repeat([]byte("x"), maxValueBytes))},
		"delete":               {op: opDelete, key: "a:b_c-d.e"},
		"clear":                {op: opClear},
	} {
		t.Run(name, func(t *testing.T) {
			data := binaryFormat{}.encode([]byte("before"), r)[len("before"):]
			got, size, err := binaryFormat{}.decode(append(data[:len(data):len(data)], "behind"...))
			if err != nil || got != r || size != len(data) {
				t.Errorf("decode = %.60v, %d, %v; want the record of %d bytes", got, size, err, len(data))
			}
		})
	}
}

func TestADamagedRecordIsTorn(t *testing.T) {
	data := binaryFormat{}.encode(nil, record{op: opPut, key: "key", value: "value"})
	torn := func(data []byte) bool {
		_, _, err := binaryFormat{}.decode(data)
		return errors.Is(err, errTorn)
	}
	for cut := range data {
		if !torn(data[:cut]) {
			t.Errorf("cut at byte %d, it is still a record", cut)
		}
	}
	for i := range data {
		for bit := range 8 {
			flipped := bytes.Clone(data)
			flipped[i] ^= 1 << bit
			if !torn(flipped) {
				t.Errorf("with bit %d of byte %d flipped, it is still a record", bit, i)
			}
		}
	}
	if !torn(make([]byte, 4096)) {
		t.Error("zeros are a record")
	}
}
