package formats

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// etcdOf makes an operation of a request and its answer.
func etcdOf(client, call, ret int, input, output string) string {
	return fmt.Sprintf(`{"ClientId":%d,"Input":%s,"Call":%d,"Output":%s,"Return":%d}`+"\n", client, input, call, output, ret)
}

const (
	put5       = `{"Type":"txn","Txn":{"Conditions":null,"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"k","Value":{"Value":"5"}}}],"OperationsOnFailure":null}}`
	putIf      = `{"Type":"txn","Txn":{"Conditions":[{"Key":"k","ExpectedRevision":3}],"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"k","Value":{"Value":"5"}}}],"OperationsOnFailure":[{"Type":"range-operation","Range":{"Start":"k"}}]}}`
	oldPut     = `{"Type":"txn","Txn":{"Conditions":[],"OperationsOnSuccess":[{"Type":"put","Key":"k","Value":{"Value":"5","Hash":0},"LeaseID":0}]}}`
	oldGet     = `{"Type":"txn","Txn":{"OperationsOnSuccess":[{"Type":"range","Key":"k"}]}}`
	oldList    = `{"Type":"txn","Txn":{"OperationsOnSuccess":[{"Type":"range","Key":"k","WithPrefix":true}]}}`
	done       = `{"Txn":{"Failure":false,"Results":[{}]},"Revision":2}`
	otherwise5 = `{"Txn":{"Failure":true,"Results":[{"KVs":[{"Key":"k","Value":{"Value":"5"}}],"Count":1}]}}`
	getK       = `{"Type":"range","Range":{"Start":"k","End":"","Limit":0,"Revision":0}}`
	found5     = `{"Range":{"KVs":[{"Key":"k","Value":{"Value":"5"},"ModRevision":2}],"Count":1},"Revision":2}`
	lost       = `{"Error":"context deadline exceeded"}`
)

func TestWhatEtcdsRequestsMean(t *testing.T) {
	t.Parallel()
	leasePut := strings.Replace(put5, `"Value":{"Value":"5"}`, `"Value":{"Value":"5"},"LeaseID":77`, 1)
	long := strings.Repeat("a", 25)
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a put", etcdOf(1, 2, 3, put5, done), []string{"1 put k 5 ok 2-3"}},
		{"a put as older versions write it", etcdOf(1, 2, 3, oldPut, done), []string{"1 put k 5 ok 2-3"}},
		{"a put without an answer", etcdOf(1, 2, 3, put5, lost), []string{"1 put k 5 unknown 2 (context deadline exceeded)"}},
		{"a put that is known to have been stored, but not when", etcdOf(1, 2, 3, put5, `{"Persisted":true,"PersistedRevision":4}`), []string{"1 put k 5 unknown 2"}},
		{"a put whose condition held", etcdOf(1, 2, 3, putIf, done), []string{"1 put k 5 ok 2-3"}},
		{"a read because a condition did not hold", etcdOf(1, 2, 3, putIf, otherwise5), []string{"1 get k 5 ok 2-3"}},
		{"a put whose condition may have held", etcdOf(1, 2, 3, putIf, lost), []string{"1 put k 5 unknown 2 (context deadline exceeded)"}},
		{"a put under a lease", etcdOf(1, 2, 3, leasePut, done), []string{"1 put k 5 ok 2-3"}},
		{"a long value by its hash, on both sides", etcdOf(1, 2, 3, strings.Replace(put5, `"5"`, `"`+long+`"`, 1), done) +
			etcdOf(2, 3, 4, getK, strings.Replace(found5, `{"Value":"5"}`, `{"Hash":2128256869}`, 1)), []string{"1 put k " + (etcdValue{Value: long}).String() + " ok 2-3", "2 get k hash:2128256869 ok 3-4"}},
		{"a read", etcdOf(1, 2, 3, getK, found5), []string{"1 get k 5 ok 2-3"}},
		{"a read as older versions write it", etcdOf(1, 2, 3, oldGet, strings.Replace(otherwise5, "true", "false", 1)), []string{"1 get k 5 ok 2-3"}},
		{"a read of nothing", etcdOf(1, 2, 3, getK, `{"Range":{"KVs":[],"Count":0}}`), []string{"1 get k absent ok 2-3"}},
		{"a read that etcd refused", etcdOf(1, 2, 3, getK, `{"ClientError":"future rev"}`), []string{"1 get k absent failed 2-3 (future rev)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, info := read(t, tt.text)
			if got := told(h); !slices.Equal(got, tt.want) || info.Format != "etcd" {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestWhatSaysNothingOfOneKeyIsLeftOut(t *testing.T) {
	t.Parallel()
	h, info := read(t, etcdOf(1, 2, 9, put5, done)+etcdOf(2, 3, 4, getK, found5)+
		etcdOf(2, 5, 6, strings.Replace(getK, `"End":""`, `"End":"l"`, 1), found5)+
		etcdOf(2, 7, 8, strings.Replace(getK, `"Revision":0`, `"Revision":7`, 1), found5)+
		etcdOf(2, 9, 10, oldList, strings.Replace(otherwise5, "true", "false", 1))+
		etcdOf(2, 11, 12, `{"Type":"compact"}`, `{}`)+
		etcdOf(2, 13, 14, `{"Type":"leaseGrant"}`, `{}`)+
		etcdOf(2, 15, 16, strings.Replace(putIf, `{"Type":"range-operation","Range":{"Start":"k"}}`, "", 1), `{"Txn":{"Failure":true}}`))
	if len(h.Operations) != 2 || h.Truncated {
		t.Errorf("got %q, truncated: %v", told(h), h.Truncated)
	}
	for _, want := range []string{"2 reads of several keys", "1 reads of an old revision", "1 requests for maintenance", "1 requests about leases", "1 transactions that did nothing"} {
		if len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], want) {
			t.Errorf("got %q, want %q", info.Warnings, want)
		}
	}
}

// The other clients' writes are in other files.
func TestOneClientsFileProvesNoViolation(t *testing.T) {
	t.Parallel()
	h, info := read(t, etcdOf(1, 2, 3, put5, done)+etcdOf(1, 4, 5, getK, found5))
	if !h.Truncated || len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "cat client-*/operations.json") {
		t.Errorf("truncated: %v, %q", h.Truncated, info.Warnings)
	}
	h, info = read(t, etcdOf(1, 2, 5, put5, done)+etcdOf(2, 4, 6, getK, found5))
	if h.Truncated || len(info.Warnings) != 0 {
		t.Errorf("two clients: truncated: %v, %q", h.Truncated, info.Warnings)
	}
}

func TestWhatEtcdsRequestsCannotMean(t *testing.T) {
	t.Parallel()
	good := etcdOf(1, 2, 3, put5, done)
	two := strings.Replace(put5, `[{`, `[{"Type":"put-operation","Put":{"Key":"j","Value":{"Value":"4"}}},{`, 1)
	tests := []struct {
		name, text string
		line       int
		want       string
	}{
		{"two writes", good + etcdOf(1, 4, 5, two, done), 2, "operation number 2: a transaction of 2 operations"},
		{"one write or another", etcdOf(1, 4, 5, strings.Replace(putIf, `{"Type":"range-operation","Range":{"Start":"k"}}`, `{"Type":"delete-operation","Delete":{"Key":"k"}}`, 1), lost), 1, "a transaction of 2 operations"},
		{"reads, or else a write", etcdOf(1, 4, 5, strings.Replace(putIf, `"OperationsOnSuccess":[`, `"OperationsOnSuccess":[{"Type":"range-operation","Range":{"Start":"k"}},`, 1), lost), 1, "a transaction of 2 operations"},
		{"a lease that is revoked", etcdOf(1, 2, 3, strings.Replace(put5, `"Key":"k"`, `"Key":"k","LeaseID":77`, 1), done) + etcdOf(1, 4, 5, `{"Type":"leaseRevoke","LeaseRevoke":{"LeaseID":77}}`, `{}`), 1, "operation number 2 revokes a lease"},
		{"no client", strings.Replace(good, `"ClientId":1`, `"ClientId":null`, 1), 1, `it has no "ClientId"`},
		{"no call", strings.Replace(good, `"Call":2`, `"x":1`, 1), 1, `it has no "Call"`},
		{"no output", etcdOf(1, 2, 3, put5, "null"), 1, `it has no "Output"`},
		{"no transaction", etcdOf(1, 2, 3, `{"Type":"txn"}`, done), 1, `it has no "Input.Txn"`},
		{"no range", etcdOf(1, 2, 3, `{"Type":"range"}`, found5), 1, `it has no "Input.Range"`},
		{"no key", etcdOf(1, 2, 3, strings.Replace(put5, `"Key":"k",`, "", 1), done), 1, "it has no key"},
		{"no key to read", etcdOf(1, 2, 3, strings.Replace(getK, `"k"`, `""`, 1), found5), 1, "it has no key"},
		{"no answer", etcdOf(1, 2, 3, getK, `{}`), 1, "a read that succeeded has no answer"},
		{"no answer to a put", etcdOf(1, 2, 3, put5, `{}`), 1, "a transaction that succeeded has no answer"},
		{"another key's answer", etcdOf(1, 2, 3, getK, strings.Replace(found5, `"k"`, `"j"`, 1)), 1, "answered with other keys"},
		{"another request", etcdOf(1, 2, 3, `{"Type":"watch"}`, `{}`), 1, `"watch" is no request that lsfr knows`},
		{"another operation", etcdOf(1, 2, 3, strings.Replace(put5, "put-operation", "inc", 1), done), 1, `"inc" is no operation of a transaction`},
		{"a return before its call", good + etcdOf(1, 5, 4, put5, done), 2, "returns at 4 ns, before its call at 5 ns"},
		{"a call that is a text", good + "\n" + strings.Replace(good, `"Call":2`, "\n"+`"Call":"2"`, 1), 4, "/Call is of another type"},
		{"a member twice", strings.Replace(good, `"Call":2`, `"Call":2,"Call":2`, 1), 1, "not JSON"},
		{"half an object", good + good[:50], 2, "breaks off inside an operation"},
		{"no JSON", good + "{ClientId}", 2, "not JSON"},
		{"a list", good + "[]", 2, "consists of objects"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := refused(t, tt.text); err.Line != tt.line || !strings.Contains(err.Msg, tt.want) {
				t.Errorf("got line %d: %s\nwant line %d: %s", err.Line, err.Msg, tt.line, tt.want)
			}
		})
	}
}
