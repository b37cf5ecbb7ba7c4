package kvstore

import (
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/workload"
)

// hotMix is the workload of all single-node stages: few keys, so that clients
// meet, and reads of keys that nobody writes any more, so that a lost value shows.
func hotMix() workload.Mix {
	return workload.Mix{
		Gets: 50, Puts: 40, Deletes: 10, HotKeys: 3, KeyLife: 30, RetiredReads: 15,
		Awkward: 5, Large: 2, MinSize: 1_000, MaxSize: 60_000,
	}
}

func httpAPI() challenges.Stage {
	return challenges.Stage{
		Name:    "http-api",
		Title:   "HTTP API",
		Summary: "one process keeps keys in memory and answers concurrent requests as if one at a time",
		Nodes:   1,
		Checks: []challenges.Check{
			{
				Name: "stores and returns values",
				Hint: "PUT /kv/KEY keeps the request body under KEY and answers 200; GET /kv/KEY answers 200 with exactly that body. A second PUT replaces the value.",
				Run:  checkPutGet,
			},
			{
				Name: "answers 404 for a key that is not there",
				Hint: "GET of a key that was never written answers 404 with the body \"key not found\".",
				Run:  checkNotFound,
			},
			{
				Name: "deletes keys, also ones that are not there",
				Hint: "DELETE /kv/KEY answers 200 whether or not the key exists; afterwards GET answers 404. A deleted key can be written again.",
				Run:  checkDelete,
			},
			{
				Name: "refuses an empty key",
				Hint: "PUT, GET and DELETE on /kv/ (nothing after the slash) answer 400 with the body \"key cannot be empty\".",
				Run:  checkEmptyKey,
			},
			{
				Name: "refuses an empty value",
				Hint: "PUT with an empty body answers 400 with the body \"value cannot be empty\", and leaves the old value as it was.",
				Run:  checkEmptyValue,
			},
			{
				Name: "refuses other methods",
				Hint: "Any method but those of the API answers 405 with the body \"method not allowed\": POST and PATCH on /kv/KEY, GET, PUT and POST on /clear.",
				Run:  checkMethods,
			},
			{
				Name: "keeps values byte for byte",
				Hint: "A value is the request body, all of it and nothing else: quotes, spaces at either end, line breaks and percent signs included. Do not trim, decode, escape or re-encode it.",
				Run:  checkByteForByte,
			},
			{
				Name: "keeps Unicode values",
				Hint: "Values are UTF-8 text. Treat them as bytes, or decode and encode them as UTF-8 everywhere; Content-Length counts bytes, not characters.",
				Run:  checkUnicode,
			},
			{
				Name: "keeps values of 10 kB and of 1 MiB",
				Hint: "Values of up to 1 MiB must work. Read the whole request body (it can arrive in several pieces) and look for limits on the size of a body in your HTTP server.",
				Run:  checkLargeValues,
			},
			{
				Name: "keeps keys of 100 characters apart",
				Hint: "Keys of at least 100 characters must work, and keys that differ only in their last character are different keys.",
				Run:  checkLongKeys,
			},
			{
				Name: "accepts every allowed character in keys, case-sensitively",
				Hint: "Keys match [A-Za-z0-9:_.-]+, and upper and lower case are different: Key and key are two keys.",
				Run:  checkKeyCharacters,
			},
			{
				Name: "serves concurrent writers",
				Hint: "Requests come at the same time, over many connections. Every acknowledged write must be there afterwards: look at what two requests can do to the same data structure at the same moment.",
				Run:  checkConcurrentWriters,
			},
			{
				Name: "clears all keys",
				Hint: "DELETE /clear answers 200 and removes every key; the store can be written again afterwards.",
				Run:  checkClear,
			},
		},
		Scenarios: []challenges.Scenario{{
			Name:     "concurrent-clients",
			Title:    "concurrent clients on a few keys, judged by their history",
			Hint:     "Each operation must appear to happen at one moment between its request and its answer: once a write has been acknowledged, or anyone has read its value, nobody may read an older one. Look at what an answer promises, and whether it is true at the moment it is sent.",
			Model:    "linearizable",
			Mix:      hotMix(),
			Clients:  10,
			Rate:     250,
			Duration: 10 * time.Second,
		}},
	}
}
