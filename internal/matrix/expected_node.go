package main

// expectedOfOneNode is about the stages http-api, persistence and crash-recovery.
func expectedOfOneNode() map[string][]string {
	restart := one("keeps data across a restart", "keeps data across several restarts")
	crash := one(
		"keeps data across a crash", "keeps deletes across a crash", "keeps hundreds of keys, some written several times",
		"keeps every byte across a crash, also of 1 MiB values", "recovers from crashes in quick succession",
	)
	const (
		writers  = "serves concurrent writers"
		stores   = "stores and returns values"
		deletes  = "deletes keys, also ones that are not there"
		many     = "keeps hundreds of keys, some written several times"
		inFlight = "answers requests that are in flight at SIGTERM"
		whole    = "has a large write wholly or not at all"
		bytes    = "keeps every byte across a crash, also of 1 MiB values"
	)
	return map[string][]string{
		"map-copy-race":         says(one(writers), older()),
		"stale-cache":           says(one(stores, deletes), older()),
		"torn-value":            one("torn value"),
		"slow-apply":            says(one(stores, deletes), older()),
		"cache-misses-delete":   one(deletes, "deleted value came back"),
		"case-insensitive-keys": one("accepts every allowed character in keys, case-sensitively"),
		"delete-absent-404":     one(deletes),
		"empty-value-accepted":  one("refuses an empty value"),
		"trims-value":           one("keeps values byte for byte", "torn value", "value never written"),
		"body-limit-8k":         one("keeps values of 10 kB and of 1 MiB", "torn value"),
		"wrong-405":             one("refuses other methods"),
		"ascii-values":          one("keeps Unicode values", "torn value", "value never written"),
		"clear-forgets-nothing": one("clears all keys"),
		"key-limit-64":          one("keeps keys of 100 characters apart"),
		"empty-key-accepted":    one("refuses an empty key"),
		"absent-is-empty":       one("answers 404 for a key that is not there", "torn value", "value never written"),
		"refused-but-stored":    one(writers, "write reported failed but visible"),

		"memory-only":               says(restart, older()),
		"delete-not-logged":         one("keeps deletes across a restart", "deleted value came back"),
		"clear-not-logged":          one("keeps a clear across a restart"),
		"replay-stops-at-duplicate": says(restart, one(many), older()),
		"text-log-breaks":           says(one("keeps every byte across a restart", "torn value", "value never written"), older()),
		"drops-in-flight":           one(inFlight),
		"snapshot-before-drain":     says(one(inFlight), older()),
		"waits-for-idle":            one("ends within 15 s of SIGTERM while clients stay connected", "stop timeout"),
		"leaves-child":              one("ends within 15 s of SIGTERM while clients stay connected", "stop timeout"),
		"expires-on-restart":        says(one(many), older()),
		"lazy-save":                 says(restart, one("keeps deletes across a restart"), older()),
		"keeps-one-run":             says(restart, older()),

		"ack-before-log":            says(crash, one(whole), older()),
		"log-not-flushed":           says(crash, one(whole), older()),
		"dirty-read":                older(),
		"log-order":                 older(),
		"snapshot-drops-concurrent": says(crash, one(whole), older()),
		"truncate-before-snapshot":  says(crash, one(whole), older()),
		"snapshot-in-place":         says(crash, one(whole), older()),
		"torn-tail-kept":            says(one(whole), older()),
		"half-value":                one(whole, "torn value"),
		"torn-tail-fatal":           one(whole, "exited"),
		"line-limit-64k":            says(one(bytes, whole), older()),
		// Nothing, and then the value again: a history that does not hold the delete calls the first read stale.
		"snapshot-keeps-deleted": says(one("keeps deletes across a crash"), older()),
		"serves-before-replay":   says(crash, older()),
		"big-values-async":       says(one(bytes, whole), older()),

		// What a loss of power and a bad disk show.
		"no-fsync":                              older(),
		"fsync-wrong-file":                      older(),
		"no-checksum":                           says(one(whole, "torn value", "value never written", "exited"), older()),
		"visible-before-durable":                older(),
		"rename-not-synced":                     says(older(), one("exited")),
		"snapshot-renamed-before-durable":       says(older(), one("exited", "torn value")),
		"log-truncated-before-snapshot-durable": says(older(), one("exited")),
		"fsync-error-retried":                   says(older(), one("exited")),
		"acks-on-enospc":                        says(older(), one("exited")),
	}
}
