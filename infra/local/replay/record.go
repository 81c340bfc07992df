package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"onebook/infra/local/drive"
)

// checkRecord looks at what a person would be asked to mend, and at every chain.
func (l *life) checkRecord(ctx context.Context) error {
	l.report.section("The record")
	for _, state := range []string{"OPEN", "RETRYING"} {
		issues, err := drive.List[struct{ Title, Detail string }](ctx, l.Client, "/v1/issues?state="+state)
		if err != nil {
			return err
		}
		got := "none"
		if len(issues) > 0 {
			got = fmt.Sprintf("%d: %s: %s", len(issues), issues[0].Title, issues[0].Detail)
		}
		l.report.add("issues "+state, "none", got)
	}
	var mu sync.Mutex
	var chains, stories tally
	err := l.each(ctx, len(l.want.Customers), func(ctx context.Context, n int) error {
		c := l.want.Customers[n]
		var audit struct {
			Intact  bool
			Problem string
			Entries int
		}
		if err := l.Get(ctx, "/v1/audit/verify?contactId="+url.QueryEscape(l.contacts[c.ID]), &audit); err != nil {
			return err
		}
		events, err := drive.List[struct{ Kind string }](ctx, l.Client, "/v1/contacts/"+l.contacts[c.ID]+"/timeline")
		if err != nil {
			return err
		}
		kinds := map[string]int{}
		for _, e := range events {
			kinds[e.Kind]++
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case !audit.Intact:
			chains.add(c.ID + ": " + audit.Problem)
		case audit.Entries != len(events):
			chains.add(fmt.Sprintf("%s: %d entries, of which the timeline shows %d", c.ID, audit.Entries, len(events)))
		default:
			chains.add("")
		}
		wrong := ""
		for kind, times := range map[string]int{"invoice.drafted": c.Invoices, "invoice.issued": c.Invoices, "payment.recorded": c.Payments} {
			if kinds[kind] != times {
				wrong = fmt.Sprintf("%s: %s %d times, not %d", c.ID, kind, kinds[kind], times)
			}
		}
		stories.add(wrong)
		return nil
	})
	l.report.add("chains intact", chains.of(), &chains)
	l.report.add("timelines: each invoice drafted and issued once, each payment noted once", stories.of(), &stories)
	return err
}
