package kvnode

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strings"
	"time"
)

// Mistakes in what the log holds and how it is written.
const (
	deleteNotLogged bug = "delete-not-logged"
	clearNotLogged  bug = "clear-not-logged"
	textLogBreaks   bug = "text-log-breaks"
	logNotFlushed   bug = "log-not-flushed"
)

// logged is what the log is given of the records of a batch.
func (b *engineBugs) logged(records []record) []record {
	without := func(o op) []record {
		return slices.DeleteFunc(records, func(r record) bool { return r.op == o })
	}
	switch b.engine.bug {
	case deleteNotLogged:
		return without(opDelete)
	case clearNotLogged:
		return without(opClear)
	case bigValuesAsync:
		return b.divert(records)
	case positionBeforeData:
		if b.engine.isCopy() {
			return slices.Repeat([]record{{op: opSkipped}}, len(records))
		}
	}
	return records
}

func (b bug) logFormat() format {
	switch b {
	case textLogBreaks:
		return textFormat{}
	case noChecksum:
		return uncheckedFormat{}
	}
	return binaryFormat{}
}

// textFormat has bug text-log-breaks: one line for a record, such as
//
//	put "key" "value"
//
// where the value ends at the next quote, and a line that does not look like that is skipped.
type textFormat struct{}

func (textFormat) encode(dst []byte, r record) []byte {
	verb := map[op]string{opPut: "put", opDelete: "delete", opClear: "clear"}[r.op]
	return append(dst, verb+` "`+r.key+`" "`+r.value+"\"\n"...)
}

func (textFormat) decode(data []byte) (record, int, error) {
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		return record{}, 0, errTorn
	}
	var r record
	if parts := strings.SplitN(string(data[:end]), `"`, 5); len(parts) == 5 {
		o := map[string]op{"put ": opPut, "delete ": opDelete, "clear ": opClear}[parts[0]]
		r = record{op: o, key: parts[1], value: parts[3]}
	}
	return r, end + 1, nil
}

// logBugs is what the log's bugs remember. Without a bug nothing in it is used.
type logBugs struct {
	began *os.File // fsync-wrong-file: another descriptor of the first segment that was opened
}

// newFile is the file itself, or what the bug writes it through.
func (l *logBugs) newFile(file *os.File, b bug) logFile {
	if f := l.unsafeFile(file, b); f != nil {
		return f
	}
	switch b {
	case logNotFlushed:
		return bufferedFile{Writer: bufio.NewWriterSize(file, 64<<10), file: file}
	case tornTailKept, halfValue, tornTailFatal:
		return slowFile{file}
	}
	return file
}

// bufferedFile has bug log-not-flushed.
type bufferedFile struct {
	*bufio.Writer
	file *os.File
}

func (f bufferedFile) Sync() error { return nil }

func (f bufferedFile) Truncate(size int64) error { return f.file.Truncate(size) }

func (f bufferedFile) Close() error {
	if err := f.Flush(); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	return f.file.Close()
}

// slowFile is not wrong, but makes torn records as likely as the mistakes in their recovery need it: it keeps
// the end of each append back for a while, so that under load most kills come in between.
type slowFile struct{ *os.File }

const (
	heldBackBytes = 3 // less than a value has, so that it is the value that is torn
	heldBackTime  = 20 * time.Millisecond
)

func (f slowFile) Write(data []byte) (int, error) {
	cut := max(0, len(data)-heldBackBytes)
	n, err := f.File.Write(data[:cut])
	if err != nil {
		return n, err
	}
	time.Sleep(heldBackTime)
	m, err := f.File.Write(data[cut:])
	return n + m, err
}
