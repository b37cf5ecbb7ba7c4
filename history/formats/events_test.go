package formats

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// edn makes a history of lines such as "0 invoke :write 3".
func ednOf(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		words := strings.SplitN(line, " ", 4)
		fmt.Fprintf(&b, "{:process %s, :type :%s, :f %s, :value %s}\n", words[0], words[1], words[2], words[3])
	}
	return b.String()
}

func TestWhatEventsMean(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, model string
		want              []string
	}{
		{"an operation that nobody answered is unknown", ednOf("0 invoke :write 3"), "linearizable", []string{"0 put x 3 unknown 0"}},
		{"so is one of which Jepsen knows no more", ednOf("0 invoke :write 3", "0 info :write 3"), "linearizable", []string{"0 put x 3 unknown 0"}},
		{"one that failed has failed", ednOf("0 invoke :write 3", "0 fail :write 3"), "linearizable", []string{"0 put x 3 failed 0-1000000"}},
		{
			"unless it failed because no answer came in time; its process goes on as another client",
			`{:process 0 :type :invoke :f :write :value 3} {:process 0 :type :fail :f :write :value 3 :error :timeout}
			 {:process 0 :type :invoke :f :write :value 4} {:process 0 :type :fail :f :write :value 4 :error [:indeterminate "x"]}
			 {:process 0 :type :invoke :f :write :value 5} {:process 0 :type :fail :f :write :value 5 :error :not-found}`,
			"linearizable", []string{
				"0 put x 3 unknown 0 (:timeout)", `1 put x 4 unknown 2` + ms + ` ([":indeterminate","x"])`,
				"2 put x 5 failed 4" + ms + "-5" + ms + " (:not-found)",
			},
		},
		{
			"a read that timed out has no effect, and no value",
			ednOf("0 invoke :read nil", "0 fail :read 7") + `{:process 0 :type :invoke :f :read :value nil} {:process 0 :type :fail :f :read :value nil :error "timed out"}`,
			"linearizable", []string{"0 get x absent failed 0-1" + ms, "0 get x absent failed 2" + ms + "-3" + ms + " (timed out)"},
		},
		{"writing nil deletes", ednOf("0 invoke :write nil", "0 ok :write nil"), "linearizable", []string{"0 delete x ok 0-1" + ms}},
		{"an operation that another has overtaken", ednOf("0 invoke :write 1", "1 invoke :write 2", "1 ok :write 2", "0 ok :write 1"), "linearizable",
			[]string{"0 put x 1 ok 0-3" + ms, "1 put x 2 ok 1" + ms + "-2" + ms}},
		{"processes that are not numbers come behind those that are", ednOf(`"b" invoke :write 1`, "7 invoke :write 2", ":c invoke :write 3", `"b" ok :write 1`, `"b" invoke :write 4`), "linearizable",
			[]string{"8 put x 1 ok 0-3" + ms, "7 put x 2 unknown 1" + ms, "9 put x 3 unknown 2" + ms, "8 put x 4 unknown 4" + ms}},
		{"a queue", ednOf("0 invoke :enqueue 1", "0 ok :enqueue 1", "1 invoke :dequeue nil", "1 ok :dequeue 1", "1 invoke :dequeue nil", "1 ok :dequeue nil"), "queue",
			[]string{"0 enqueue x 1 ok 0-1" + ms, "1 dequeue x 1 ok 2" + ms + "-3" + ms, "1 dequeue x absent ok 4" + ms + "-5" + ms}},
		{"a set, in whatever order it is read", ednOf("0 invoke :add 1", "0 ok :add 1", "1 invoke :read nil", "1 ok :read #{2 1}", "1 invoke :read nil", "1 ok :read [2 1]", "1 invoke :read nil", "1 ok :read #ordered/set (1 2)"), "set",
			[]string{"0 add x 1 ok 0-1" + ms, `1 get x ["1","2"] ok 2` + ms + "-3" + ms, `1 get x ["1","2"] ok 4` + ms + "-5" + ms, `1 get x ["1","2"] ok 6` + ms + "-7" + ms}},
		{"sets by key", ednOf("0 invoke :add [:k 1]", "0 ok :add [:k 1]", "1 invoke :read [:k nil]", "1 ok :read [:k #{1}]"), "set",
			[]string{"0 add :k 1 ok 0-1" + ms, `1 get :k ["1"] ok 2` + ms + "-3" + ms}},
		{"registers by key", ednOf("0 invoke :cas [k [1 2]]", "0 ok :cas [k [1 2]]", "1 invoke :read [k nil]", "1 ok :read #clojure.lang.MapEntry [k 2]"), "cas-register",
			[]string{"0 cas k 1→2 ok 0-1" + ms, "1 get k 2 ok 2" + ms + "-3" + ms}},
		{"one register that holds lists", ednOf("0 invoke :read nil", "0 ok :read [1 2]", "0 invoke :write [1 2]", "0 ok :write (1 2)"), "linearizable",
			[]string{`0 get x ["1","2"] ok 0-1` + ms, `0 put x ["1","2"] ok 2` + ms + "-3" + ms}},
		{"a delete and a key of its own", `{:process 0 :type :invoke :f :delete :key 5 :value nil} {:process 0 :type :ok :f :delete :key 5 :value true}`, "linearizable",
			[]string{"0 delete 5 ok 0-1" + ms}},
		{"members that nobody knows", `{:process 0 :type :invoke :f :write :value 1 :node "n1" "x" 2 [3] {4 5} :exception {:via [{:at [[a.b.C "d" 5]]}]}}`, "linearizable",
			[]string{"0 put x 1 unknown 0"}},
		{"a transaction of one operation", ednOf("0 invoke :txn [[:append 1 2]]", "0 ok :txn [[:append 1 2]]", "0 invoke :txn [[:r 1 nil]]", "0 ok :txn [[:r 1 [2]]]", "0 invoke :txn []", "0 ok :txn []"), "append",
			[]string{"0 append 1 2 ok 0-1" + ms, `0 get 1 ["2"] ok 2` + ms + "-3" + ms}},
		{"a list around all", "(" + ednOf("0 invoke :write 1") + ")", "linearizable", []string{"0 put x 1 unknown 0"}},
		{"put and append of one text", `{:process 0 :type :invoke :f :put :key "k" :value "a"} {:process 1 :type :invoke :f :append :key "k" :value "b"}`, "append",
			[]string{"0 put k a unknown 0", "1 append k b unknown 1" + ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, info := read(t, tt.text)
			if got := told(h); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if h.Model != tt.model || len(info.Warnings) > 0 {
				t.Errorf("got the model %q (%q), want %q", h.Model, info.Warnings, tt.model)
			}
		})
	}
}

func TestMixedOperationsHaveNoModel(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{
		{"0 invoke :write 1", "1 invoke :enqueue 2"},
		{"0 invoke :add 1", "1 invoke :append 2"},
		{"0 invoke :add 1", "1 invoke :write 2"},
		{"0 invoke :append 1", "1 invoke :write nil"},
	} {
		h, info := read(t, ednOf(lines...))
		if h.Model != "" || len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "--model") {
			t.Errorf("%s: got the model %q and %q", lines, h.Model, info.Warnings)
		}
	}
}

func TestWhatEventsCannotMean(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		line       int
		want       string
	}{
		{"two invocations", ednOf("0 invoke :write 1", "0 invoke :write 2"), 2, "process 0 invokes an operation before its last one has ended"},
		{"an end without a beginning", ednOf("0 invoke :write 1", "1 ok :write 2"), 2, "process 1 ends an operation that it has not invoked"},
		{"two ends", ednOf("0 invoke :write 1", "0 ok :write 1", "0 ok :write 1"), 3, "has not invoked"},
		{"another operation's end", ednOf("0 invoke :write 1", "0 ok :read 1"), 2, "ends :read, but has invoked :write"},
		{"another value", ednOf("0 invoke :write 1", "0 ok :write 2"), 2, "ends with the value 2, but was invoked with 1"},
		{"another cas", ednOf("0 invoke :cas [1 2]", "0 ok :cas [1 3]"), 2, "ends with the value 1 3"},
		{"another key", ednOf("0 invoke :read [1 nil]", "0 ok :read [2 3]"), 2, "want [1 value]"},
		{"no key", ednOf("0 invoke :write [1 2]", "0 ok :write [1 2]", "0 invoke :read nil"), 3, "want [key value]"},
		{"no key at the end", ednOf("0 invoke :read [1 nil]", "0 ok :read 3"), 2, "want [1 value]"},
		{"nothing found, and no key", ednOf("0 invoke :read [1 nil]", "0 ok :read nil"), 2, "want [1 value]"},
		{"no type", "{:process 0, :f :read}{:type :ok}", 1, "no type"},
		{"a type that does not exist", ednOf("0 invoke :read nil", "0 okay :read nil"), 2, ":type is :okay"},
		{"a type of several lines", "{:type \"invoke\n\", :f :read}\n{:type :ok}", 1, ":type is invoke , want"},
		{"a type that is a number", "{:process 0 :type :ok}{:type 7}", 1, "not invoked"},
		{"no process", "{:type :invoke, :f :read}", 1, "no process"},
		{"a process that is a list", ednOf("[0] invoke :read nil"), 1, "process is"},
		{"no function", "{:process 0, :type :invoke, :value nil}", 1, "has no function"},
		{"a function that is a number", ednOf("0 invoke 7 nil"), 1, ":f is 7"},
		{"a function that is not known", ednOf("0 invoke :transfer {:from 1}"), 1, ":transfer is no operation that lsfr can judge"},
		{"a drain", ednOf("0 invoke :drain nil"), 1, ":drain is no operation"},
		{"no value to write", "{:process 0, :type :invoke, :f :write}", 1, ":write has no value"},
		{"no value to add", ednOf("0 invoke :add nil"), 1, ":add has no value"},
		{"no value found", "{:process 0, :type :invoke, :f :read}{:process 0, :type :ok, :f :read}", 1, "ok has no value"},
		{"half a cas", ednOf("0 invoke :cas 1"), 1, "want [old new]"},
		{"a cas of nil", ednOf("0 invoke :cas [nil 1]"), 1, "want [old new]"},
		{"a counter", ednOf("0 invoke :add 1", "0 ok :add 1", "0 invoke :read nil", "0 ok :read 1"), 4, "no model for counters"},
		{"numbers in a list", ednOf("0 invoke :append 1", "0 ok :append 1", "0 invoke :read nil", "0 ok :read 1"), 4, "find a list or a text"},
		{"a transaction of two", ednOf("0 invoke :txn [[:r 1 nil] [:append 1 2]]"), 1, "a transaction of 2 operations: lsfr judges single operations; for transactions there is elle"},
		{"a transaction of something else", ednOf("0 invoke :txn [[:inc 1 nil]]"), 1, "want append, r or w"},
		{"half a transaction", ednOf("0 invoke :txn [[:r 1]]"), 1, "no operation of a transaction"},
		{"a transaction of nothing known", ednOf("0 invoke :txn 7"), 1, "the value of a transaction is 7"},
		{"a transaction without its answer", ednOf("0 invoke :txn [[:r 1 nil]]", "0 ok :txn nil"), 2, "the value of a transaction is nil"},
		{"another transaction's answer", ednOf("0 invoke :txn [[:r 1 nil]]", "0 ok :txn [[:append 1 2]]"), 2, "another operation than it was invoked with"},
		{"an empty transaction's answer", ednOf("0 invoke :txn [[:r 1 nil]]", "0 ok :txn []"), 2, "another operation than it was invoked with"},
		{"another key's answer", ednOf("0 invoke :txn [[:r 1 nil]]", "0 ok :txn [[:r 2 [1]]]"), 2, "ends with the key 2, but was invoked with 1"},
		{"the same member twice", "{:process 0 :type :invoke :process 1}", 1, "two :process"},
		{"a time with a fraction", "{:process 0 :type :invoke :f :read :time 1.5}", 1, ":time is 1.5, want a whole number"},
		{"a time beyond 64 bits", "{:process 0 :type :invoke :f :read :time 99999999999999999999}", 1, "beyond 64 bits"},
		{"indexes out of order", "{:process 0 :type :invoke :f :read :index 5}\n{:process 0 :type :ok :f :read :value 1 :index 4}", 2, "sort them by index"},
		{"an index twice", "{:process 0 :type :invoke :f :read :index 5}\n{:process 0 :type :ok :f :read :value 1 :index 5}", 2, "sort them by index"},
		{"an end before its beginning", "{:process 0 :type :invoke :f :read :time 5}\n{:process 0 :type :ok :f :read :value 1 :time 4}", 2, "ends at 4 ns, before it begins at 5 ns"},
		{"something between", ednOf("0 invoke :read nil") + "7", 2, "consists of maps"},
		{"something behind", "[" + ednOf("0 invoke :read nil") + "]\n{}", 3, "something follows"},
		{"no closing bracket", "[" + ednOf("0 invoke :read nil"), 2, "breaks off"},
		{"half a line", ednOf("0 invoke :read nil") + "{:process 0, :ty", 2, "breaks off inside an operation"},
		{"a key without a value", ednOf("0 invoke :read nil") + "{:process}", 2, "a key without a value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := refused(t, tt.text); err.Line != tt.line || !strings.Contains(err.Msg, tt.want) {
				t.Errorf("got line %d: %s\nwant line %d: %s", err.Line, err.Msg, tt.line, tt.want)
			}
		})
	}
}

func TestTimesFollowTheOrderOfTheEvents(t *testing.T) {
	t.Parallel()
	event := func(rest string, at string) string {
		if at != "" {
			at = " :time " + at
		}
		return "{:f :write :value 1 " + rest + at + "}\n"
	}
	history := func(times ...string) string {
		return event(":process 0 :type :invoke", times[0]) + event(":process 0 :type :ok", times[1]) +
			event(":process 1 :type :invoke", times[2]) + event(":process 1 :type :ok", times[3])
	}
	tests := []struct {
		name, text string
		want       []string
		warned     bool
	}{
		{"as they are given", history("5", "70", "800", "801"), []string{"0 put x 1 ok 5-70", "1 put x 1 ok 800-801"}, false},
		// What shares a moment would count as concurrent.
		{"apart where they are equal", history("5", "5", "5", "6"), []string{"0 put x 1 ok 5-6", "1 put x 1 ok 7-8"}, false},
		{"a millisecond apart if one is missing", history("5", "6", "", "8"), []string{"0 put x 1 ok 0-1" + ms, "1 put x 1 ok 2" + ms + "-3" + ms}, false},
		{"as they are given where they go backwards", history("5", "9", "8", "12"), []string{"0 put x 1 ok 5-9", "1 put x 1 ok 8-12"}, true},
		{"below 0", history("-5", "-4", "0", "1"), []string{"0 put x 1 ok -5--4", "1 put x 1 ok 0-1"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, info := read(t, tt.text)
			if got := told(h); !slices.Equal(got, tt.want) || len(info.Warnings) > 0 != tt.warned {
				t.Errorf("got\n%s %q\nwant\n%s", strings.Join(got, "\n"), info.Warnings, strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestNemesisEventsBecomeFaults(t *testing.T) {
	t.Parallel()
	nemesis := func(fs ...string) string {
		text := "{:process 0 :type :invoke :f :read :value nil}\n"
		for _, f := range fs {
			name, detail, _ := strings.Cut(f, " ")
			if detail == "" {
				detail = "nil"
			}
			text += fmt.Sprintf("{:process :nemesis :type :info :f :%s :value %s}\n", name, detail)
		}
		return text
	}
	tests := []struct {
		name, text string
		want       []string
	}{
		{"begun and ended", nemesis("start", "start :cut", "stop", "stop"), []string{"fault start 1" + ms + "-3" + ms + " :cut"}},
		{"never ended", nemesis("kill", "kill", "sleep", "sleep"), []string{"fault kill 1" + ms + "-4" + ms + " ", "fault sleep 3" + ms + "-4" + ms + " "}},
		{"two at once", nemesis("start-partition", "start-partition", "pause", "pause", "stop-partition", "stop-partition", "resume", "resume"),
			[]string{"fault start-partition 1" + ms + "-5" + ms + " ", "fault pause 3" + ms + "-7" + ms + " "}},
		{"an end without a beginning", nemesis("heal", "heal"), []string{"fault heal 1" + ms + "-2" + ms + " "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, _ := read(t, tt.text)
			if got := told(h)[1:]; !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
