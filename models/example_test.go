package models_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const stale = `{"format":"lsfr-history","version":1,"model":"linearizable","operations":[
 {"id":1,"client":1,"kind":"put","key":"x","value":"a","call":0,"return":10,"outcome":"ok"},
 {"id":2,"client":1,"kind":"put","key":"x","value":"b","call":20,"return":30,"outcome":"ok"},
 {"id":3,"client":2,"kind":"get","key":"x","value":"a","call":40,"return":50,"outcome":"ok"}]}`

func ExampleCheck() {
	h, err := history.Decode(strings.NewReader(stale))
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict, err := models.Check(context.Background(), h, models.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(verdict.Status, verdict.Violations[0].Rule, "on", verdict.Violations[0].Key)
	// Output: invalid lost write on x
}

func ExampleCheckAll() {
	h, err := history.Decode(strings.NewReader(stale))
	if err != nil {
		fmt.Println(err)
		return
	}
	verdicts, err := models.CheckAll(context.Background(), h, models.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(verdicts[0].Model, verdicts[0].Status, "- what holds:", models.Strongest(verdicts))
	// Output: linearizable invalid - what holds: [sequential]
}
