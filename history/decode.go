package history

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// SyntaxError says where and why a document is not a history.
type SyntaxError struct {
	// Line counts from 1, Offset in bytes from 0.
	Line   int
	Offset int64
	Msg    string
}

// Error returns "line L: message".
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }

// Decode reads history.json. A document that breaks off inside its operations
// is read up to the break and marked Truncated; every other defect is a
// *SyntaxError. Other errors are the reader's.
//
// A reader with a method Size() int64 or that is a regular file is read faster and
// with less garbage. The size in bytes may be an estimate that changes on the way.
func Decode(r io.Reader) (*History, error) {
	d := newDecoder(r)
	err := d.document()
	switch {
	case err == nil:
		return d.h, nil
	case d.src.err != nil:
		return nil, fmt.Errorf("read history: %w", d.src.err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		if d.src.read == 0 {
			return nil, d.fail("the file is empty")
		}
		if len(d.h.Operations) == 0 {
			return nil, d.fail("the file breaks off before its first operation")
		}
		if err := d.checkFormat(); err != nil { // it may stand behind the operations
			return nil, err
		}
		d.h.Truncated = true
		return d.h, nil
	}
	return nil, err
}

// decoder reads token by token. Where it stands, for messages, is the item of a
// list and the member of an object, each of them empty outside.
type decoder struct {
	dec *jsontext.Decoder
	src *source
	h   *History

	item   string // operation, fault, leader or group
	index  int
	member string

	ids   idSet
	texts textCache
	buf   []byte

	format  string
	version int
}

func newDecoder(r io.Reader) *decoder {
	d := &decoder{src: newSource(r), h: &History{}, ids: make(idSet)}
	d.texts.seed = maphash.MakeSeed()
	// The decoder would keep every name of an object to find one that comes twice;
	// object does that with a bit for each name that means something.
	d.dec = jsontext.NewDecoder(d.src, jsontext.AllowDuplicateNames(true))
	d.src.consumed = d.dec.InputOffset
	return d
}

const (
	headerFormat = iota
	headerVersion
	headerChallenge
	headerStage
	headerScenario
	headerModel
	headerSeed
	headerNodes
	headerGroups
	headerStarted
	headerOperations
	headerFaults
	headerLeaders
	headerShards
)

var headerMembers = []string{
	headerFormat: "format", headerVersion: "version", headerChallenge: "challenge", headerStage: "stage",
	headerScenario: "scenario", headerModel: "model", headerSeed: "seed", headerNodes: "nodes", headerGroups: "groups", headerStarted: "started",
	headerOperations: "operations", headerFaults: "faults", headerLeaders: "leaders", headerShards: "shards",
}

func (d *decoder) document() error {
	h := d.h
	sawOperations := false
	err := d.object("one JSON object", headerMembers, func(m int) (err error) {
		switch m {
		case headerFormat:
			err = d.readFormat()
		case headerVersion:
			err = d.readVersion()
		case headerChallenge:
			_, err = d.readText(&h.Challenge)
		case headerStage:
			_, err = d.readText(&h.Stage)
		case headerScenario:
			_, err = d.readText(&h.Scenario)
		case headerModel:
			_, err = d.readText(&h.Model)
		case headerSeed:
			_, err = readNumber(d, &h.Seed)
		case headerNodes:
			err = d.readTexts(&h.Nodes)
		case headerGroups:
			err = d.list("group", d.group)
		case headerStarted:
			err = d.readStarted()
		case headerOperations:
			sawOperations = true
			err = d.list("operation", d.operation)
		case headerFaults:
			err = d.list("fault", d.fault)
		case headerLeaders:
			err = d.list("leader", d.leader)
		case headerShards:
			err = d.readShards()
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := d.checkFormat(); err != nil {
		return err
	}
	if !sawOperations {
		return d.fail("the history has no \"operations\"")
	}
	return d.end()
}

func (d *decoder) checkFormat() error {
	switch {
	case d.format == "":
		return d.fail("the object has no \"format\": %q, so it is not an lsfr history", Format)
	case d.version < 1:
		return d.fail("\"version\" is missing, want %d", Version)
	}
	return nil
}

// readFormat and readVersion refuse at once what else would be misread.
func (d *decoder) readFormat() error {
	ok, err := d.readText(&d.format)
	if err == nil && ok && d.format != Format {
		return d.fail("\"format\" is %q, want %q", shorten(d.format), Format)
	}
	return err
}

func (d *decoder) readVersion() error {
	if _, err := readNumber(d, &d.version); err != nil {
		return err
	}
	if d.version > Version {
		return d.fail("the history has version %d, this lsfr reads up to version %d: update lsfr", d.version, Version)
	}
	return nil
}

func (d *decoder) readStarted() error {
	var text string
	ok, err := d.readText(&text)
	if err != nil || !ok {
		return err
	}
	if d.h.Started, err = time.Parse(time.RFC3339Nano, text); err != nil {
		return d.fail("\"started\" is %q, want a time like 2026-01-02T15:04:05Z", shorten(text))
	}
	return nil
}

const (
	faultName = iota
	faultTargets
	faultDetail
	faultStart
	faultEnd
	faultHits
)

var faultMembers = []string{
	faultName: "fault", faultTargets: "targets", faultDetail: "detail", faultStart: "start", faultEnd: "end", faultHits: "hits",
}

func (d *decoder) fault() error {
	var f FaultEvent
	err := d.object("an object", faultMembers, func(m int) (err error) {
		switch m {
		case faultName:
			_, err = d.readText(&f.Fault)
		case faultTargets:
			err = d.readTexts(&f.Targets)
		case faultDetail:
			_, err = d.readText(&f.Detail)
		case faultStart:
			_, err = readNumber(d, &f.Start)
		case faultEnd:
			_, err = readNumber(d, &f.End)
		case faultHits:
			_, err = readNumber(d, &f.Hits)
		}
		return err
	})
	if err != nil {
		return err
	}
	d.h.Faults = append(d.h.Faults, f)
	return nil
}

const (
	leaderAt = iota
	leaderShard
	leaderName
	leaderTerm
)

var leaderMembers = []string{leaderAt: "at", leaderShard: "shard", leaderName: "leader", leaderTerm: "term"}

func (d *decoder) leader() error {
	var l LeaderEvent
	err := d.object("an object", leaderMembers, func(m int) (err error) {
		switch m {
		case leaderAt:
			_, err = readNumber(d, &l.At)
		case leaderShard:
			_, err = d.readText(&l.Shard)
		case leaderName:
			_, err = d.readText(&l.Leader)
		case leaderTerm:
			_, err = readNumber(d, &l.Term)
		}
		return err
	})
	if err != nil {
		return err
	}
	d.h.Leaders = append(d.h.Leaders, l)
	return nil
}
