package formats

import (
	"fmt"
	"hash/fnv"

	"github.com/go-json-experiment/json/jsontext"
)

// etcdOperation is what the robustness tests write. Members that older and
// newer versions have in different places stand here in both.
type etcdOperation struct {
	ClientID *int `json:"ClientId"`
	Input    *etcdRequest
	Call     *int64
	Output   *etcdResponse
	Return   int64
}

type etcdRequest struct {
	Type        string
	Range       *etcdRange
	Txn         *etcdTxn
	LeaseRevoke *struct{ LeaseID int64 }
}

type etcdRange struct {
	Start, End string
	Revision   int64
}

type etcdTxn struct {
	Conditions                               []jsontext.Value
	OperationsOnSuccess, OperationsOnFailure []etcdStep
}

// etcdStep is one operation of a transaction.
type etcdStep struct {
	Type       string
	Key        string
	WithPrefix bool
	Value      etcdValue
	LeaseID    int64
	Range      etcdRange
	Put        struct {
		Key     string
		Value   etcdValue
		LeaseID int64
	}
	Delete struct{ Key string }
}

// etcdValue is a text, or the hash of a long one.
type etcdValue struct {
	Value string
	Hash  uint32
}

// longValue is the length from which etcd's tests record hashes: always for
// reads, and for writes mostly.
const longValue = 20

func (v etcdValue) String() string {
	if v.Hash == 0 && len(v.Value) >= longValue {
		sum := fnv.New32a()
		sum.Write([]byte(v.Value)) //nolint:errcheck,gosec // a hash takes everything
		v.Hash = sum.Sum32()
	}
	if v.Hash != 0 {
		return fmt.Sprintf("hash:%d", v.Hash)
	}
	return v.Value
}

type etcdResponse struct {
	Txn *struct {
		Failure bool
		Results []etcdFound
	}
	Range                      *etcdFound
	ClientError, Error         string
	Persisted, PartialResponse bool
}

type etcdFound struct {
	KVs []struct {
		Key   string
		Value etcdValue
	}
}
