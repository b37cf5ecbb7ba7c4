package models

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/st3v3nmw/lsfr/history"
)

// Pictured is the name of the model whose violations Picture can draw.
const Pictured = "linearizable"

// pictured is the most operations that a picture shows: porcupine's search
// with its partial linearizations takes memory in the square of that number.
const pictured = 400

// Picture writes porcupine's visualization of one key, a self-contained HTML
// page with script, to w. Long histories are cut to the operations around the
// violation. Everything that came from a node is made harmless, because the
// page puts it into innerHTML.
func Picture(ctx context.Context, w io.Writer, h *history.History, v Violation) error {
	var operations []*history.Operation
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Key == v.Key {
			operations = append(operations, o)
		}
	}
	k := evidence(v.Key, operations)
	ops := around(sorted(pointers(k.ops)), v)
	if len(ops) == 0 {
		return fmt.Errorf("draw key %q: no operations", v.Key)
	}
	end := ops[0].Call
	for _, o := range ops {
		end = max(end, o.Call)
		if o.ret != forever {
			end = max(end, o.ret)
		}
	}
	model := registerModel(ctx)
	model.Step = registerModel(context.Background()).Step // the drawing replays it and must get the same answers
	model.StepContext = func(_ context.Context, state, input, output any) (bool, any) {
		if ctx.Err() != nil {
			return false, state
		}
		return model.Step(state, input, output)
	}
	numbered := registerOperations(ops)
	for i, o := range ops {
		numbered[i].ClientId = o.Client
		numbered[i].Metadata = o
		numbered[i].Output = describe(o)
		if o.ret == forever {
			numbered[i].Return = int64(end + time.Millisecond)
		}
	}
	lanes(numbered)
	values := map[int32]string{absent: "absent"}
	for i, o := range ops {
		if in := numbered[i].Input.(registerInput); in.value != absent {
			values[in.value] = harmless(quote(o.Value))
		}
	}
	model.DescribeOperation = func(_, output any) string { return output.(string) }
	model.DescribeState = func(state any) string { return values[state.(int32)] }
	model.DescribeOperationMetadata = func(info any) string {
		o, _ := info.(*op)
		if o == nil {
			return ""
		}
		return harmless(fmt.Sprintf("client %d%s, operation %d, %s", o.Client, via(o), o.ID, o.Outcome))
	}
	timeout := time.Duration(0)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(deadline), time.Nanosecond)
	}
	_, info := porcupine.CheckOperationsVerbose(model, numbered, timeout)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("draw key %q: %w", v.Key, err)
	}
	info.AddAnnotations(annotations(h.Faults, ops[0].Call, end))
	if err := porcupine.Visualize(model, info, w); err != nil {
		return fmt.Errorf("draw key %q: %w", v.Key, err)
	}
	return nil
}

// harmless replaces what has a meaning in HTML by characters that look alike.
// The page shows the same text once as text and once as HTML, so entities would
// show in the one, and tags would work in the other.
func harmless(text string) string {
	const longest = 300 // bytes; a hostile node's text must not swell the page
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return strings.NewReplacer("<", "‹", ">", "›", "&", "＆", `"`, "”", "'", "’").Replace(text)
}

// describe is the text on an operation's bar.
func describe(o *op) string {
	switch {
	case o.Kind == history.Put:
		return harmless("put " + quote(o.Value))
	case o.Kind == history.Delete:
		return "delete"
	case o.Present:
		return harmless("get → " + quote(o.Value))
	}
	return "get → absent"
}

// around keeps the operations around a violation when there are too many: a
// picture may leave out what came long before, with its first write shown.
func around(ops []*op, v Violation) []*op {
	if len(ops) <= pictured {
		return ops
	}
	last := v.Operations[0].Call
	needed := make(map[int64]bool, len(v.Operations))
	for _, o := range v.Operations {
		last = max(last, o.Call, o.Return)
		needed[o.ID] = true
	}
	var out []*op
	for i := len(ops) - 1; i >= 0; i-- {
		if o := ops[i]; needed[o.ID] || o.Call <= last && len(out) < pictured {
			out = append(out, o)
		}
	}
	// Without the read that saw it, an unknown put stays open.
	k := evidence(v.Key, originals(sorted(out)))
	return pointers(k.ops)
}

// lanes gives operations that do not overlap the same lane: after unknown
// outcomes there are more client numbers than a picture has room for.
func lanes(ops []porcupine.Operation) {
	var free []int64
next:
	for i := range ops {
		for lane, until := range free {
			if until < ops[i].Call {
				ops[i].ClientId, free[lane] = lane, ops[i].Return
				continue next
			}
		}
		ops[i].ClientId = len(free)
		free = append(free, ops[i].Return)
	}
}

// annotations shows the faults that overlap the picture's time.
func annotations(faults []history.FaultEvent, from, to time.Duration) []porcupine.Annotation {
	var out []porcupine.Annotation
	for _, f := range faults {
		if f.End < from || f.Start > to {
			continue
		}
		what := harmless(f.Fault + " " + strings.Join(f.Targets, ", "))
		out = append(out, porcupine.Annotation{
			Tag: "faults", Start: int64(f.Start), End: int64(f.End), Description: what,
			Details:         harmless(fmt.Sprintf("%s to %s, %d hits. %s", at(f.Start), at(f.End), f.Hits, f.Detail)),
			BackgroundColor: "#f4a582",
		})
	}
	return out
}
