package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // machines without zones

	"golang.org/x/sync/errgroup"

	"onebook/infra/local/drive"
)

// Options say what is replayed.
type Options struct {
	Binary   string // the local program
	Folder   string // its data; made anew
	Data     string // the folder with the receivables
	Rows     int    // only the first so many; 0 is all
	Every    int    // each so-manieth receivable is paid in another way, see [way]; 0 is none
	Corrupt  int    // this row, counted from 1, is billed and paid with a cent too much
	PDFEvery int    // the text of every n-th PDF is read
	Out      io.Writer
	Progress io.Writer // nil: none
	Terminal bool
}

// Replay starts a local program, lives the receivables through it, compares, and writes the report to o.Out. The error is
// of what could not be done; figures that differ are in the report.
func Replay(ctx context.Context, o Options) (*Report, error) {
	file := filepath.Join(o.Data, fileName)
	rows, err := read(file, o.Rows)
	if err != nil {
		return nil, err
	}
	want, err := expect(ctx, file, o.Rows, o.Every)
	if err != nil {
		return nil, err
	}
	if o.Corrupt > 0 {
		if o.Corrupt > len(rows) {
			return nil, fmt.Errorf("there is no row %d, only %d", o.Corrupt, len(rows))
		}
		r := &rows[o.Corrupt-1]
		r.cents++
		r.amount = dollars(r.cents)
	}
	for n := range rows {
		rows[n].way = wayOf(n, o.Every)
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	program := &drive.Program{Binary: o.Binary, Data: o.Folder, Log: o.Progress}
	if err := program.Start(ctx, "-now", evening(rows[0].issued.Add(-day)).Format(time.RFC3339)); err != nil {
		return nil, err
	}
	defer program.Kill()
	l := &life{
		Client: &drive.Client{Base: program.Base, Role: "owner"}, rows: rows, want: want, report: &Report{Rows: len(rows)}, place: place,
		credit: map[string]int64{}, left: map[string]int64{}, contacts: map[string]string{}, invoices: map[string]string{}, sources: map[string]string{}, receivables: map[string]receivable{},
		progress: progress{out: o.Progress, terminal: o.Terminal, began: time.Now()},
	}
	if err := l.live(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	l.progress.say("reading everything back")
	if err := l.check(ctx, o.PDFEvery); err != nil {
		return nil, err
	}
	l.report.Checked = time.Since(began)
	if err := program.Stop(); err != nil {
		return nil, fmt.Errorf("the program did not end cleanly: %w", err)
	}
	l.report.write(o.Out)
	return l.report, nil
}

// zone is the organisation's. Its day ends four or five hours after that of UTC.
const zone = "America/New_York"

// evening is when the business works: in UTC it is tomorrow already, so what mistakes one day for the other shows.
func evening(d time.Time) time.Time { return d.Add(27 * time.Hour) }

// life is the business from its first to its last day.
type life struct {
	*drive.Client
	rows     []receivable
	want     *expectation
	report   *Report
	progress progress
	place    *time.Location // zone

	mu     sync.Mutex
	credit map[string]int64 // what a customer has paid too much, and not used up
	left   map[string]int64 // by source: what was left to pay when credit was used for it

	contacts    map[string]string     // customer → id
	invoices    map[string]string     // source → id
	sources     map[string]string     // id → source
	receivables map[string]receivable // by source

	overdue tally // days, twice each: the list, and the words
	owed    tally // balances at the ends of months
}

const atOnce = 8 // requests, where their order does not matter

func (l *life) each(ctx context.Context, n int, do func(ctx context.Context, n int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

func (l *life) live(ctx context.Context) error {
	if err := l.found(ctx); err != nil {
		return err
	}
	issued, settled, half := map[string][]receivable{}, map[string][]receivable{}, map[string][]receivable{}
	for _, r := range l.rows {
		issued[iso(r.issued)] = append(issued[iso(r.issued)], r)
		settled[iso(r.settled)] = append(settled[iso(r.settled)], r)
		if r.way == parts || r.way == two {
			half[iso(r.half())] = append(half[iso(r.half())], r)
		}
		l.receivables[r.source] = r
	}
	began, billed, ends := time.Now(), 0, l.want.MonthEnds
	l.progress.days = len(l.want.Days)
	for n, d := range l.want.Days {
		today, err := time.Parse(isoDay, d.Day)
		if err != nil {
			return err
		}
		err = l.Control(ctx, "clock", map[string]any{"now": evening(today).Format(time.RFC3339)}, nil)
		if err != nil {
			return err
		}
		if err := l.checkOverdue(ctx, d.Day, d.Overdue, d.Cents); err != nil {
			return err
		}
		if err := l.bill(ctx, issued[d.Day]); err != nil {
			return err
		}
		if err := l.collect(ctx, half[d.Day], true); err != nil {
			return err
		}
		if err := l.collect(ctx, settled[d.Day], false); err != nil {
			return err
		}
		if len(ends) > 0 && ends[0].Day == d.Day {
			if err := l.checkOwed(ctx, d.Day, ends[0].Owed, ends[0].Credit); err != nil {
				return err
			}
			ends = ends[1:]
		}
		billed += len(issued[d.Day])
		l.progress.at(n+1, today, billed, len(l.rows))
	}
	l.report.Took = time.Since(began)
	return nil
}

// found sets the organisation up, with all its customers.
func (l *life) found(ctx context.Context) error {
	err := l.Edit(ctx, "/v1/settings", map[string]any{
		"name": "Replay Inc.", "currency": "USD", "timeZone": zone, "numbering": map[string]string{"invoice": "{year}-{n4}", "estimate": "E-{n4}"},
	})
	if err != nil {
		return err
	}
	ids := make([]string, len(l.want.Customers))
	err = l.each(ctx, len(ids), func(ctx context.Context, n int) error {
		customer := l.want.Customers[n].ID
		var made struct{ ID string }
		err := l.Post(ctx, "/v1/contacts", "contact-"+customer, map[string]any{
			"kind": "company", "name": "Customer " + customer, "externalIds": map[string]string{"ibm": customer},
			"emails": []map[string]string{{"address": strings.ToLower(customer) + "@example.com", "use": "own"}},
		}, &made)
		ids[n] = made.ID
		return err
	})
	for n, c := range l.want.Customers {
		l.contacts[c.ID] = ids[n]
	}
	return err
}

// bill drafts the day's invoices in any order and issues them in that of the file, since that gives the numbers.
func (l *life) bill(ctx context.Context, rows []receivable) error {
	ids := make([]string, len(rows))
	err := l.each(ctx, len(rows), func(ctx context.Context, n int) error {
		r := rows[n]
		var made struct{ ID string }
		err := l.Post(ctx, "/v1/invoices", "draft-"+r.source, map[string]any{
			"contactId": l.contacts[r.customer], "currency": "USD", "dueOn": iso(r.due),
			"lines": []map[string]any{{"name": lineName + r.source, "quantity": "1", "unitPrice": r.amount, "tax": map[string]string{"category": "Z", "rate": "0"}}},
		}, &made)
		ids[n] = made.ID
		return err
	})
	if err != nil {
		return err
	}
	for n, r := range rows {
		l.invoices[r.source], l.sources[ids[n]] = ids[n], r.source
		var issued struct{ Due int64 }
		if err := l.Post(ctx, "/v1/invoices/"+ids[n]+"/issue", "issue-"+r.source, nil, &issued); err != nil {
			return err
		}
		if l.credit[r.customer] > 0 { // which the product uses by itself
			l.left[r.source] = issued.Due
			l.credit[r.customer] -= r.cents - issued.Due
		}
	}
	return nil
}

// lineName stands before the file's number in the one line of an invoice.
const lineName = "Receivable "

// collect receives what is paid on a day: the first halves, or what is left.
func (l *life) collect(ctx context.Context, rows []receivable, first bool) error {
	return l.each(ctx, len(rows), func(ctx context.Context, n int) error {
		r := rows[n]
		owed, used := l.left[r.source]
		if !used {
			owed = r.cents
		}
		p := r.pay(owed, first)
		if p.cents == 0 {
			return nil
		}
		var made struct{ Credit int64 }
		err := l.Post(ctx, "/v1/invoices/"+l.invoices[r.source]+"/payments", fmt.Sprintf("pay-%s-%t", r.source, first), map[string]any{
			"amount": p.cents, "method": p.method, "receivedOn": iso(p.on), "reference": r.source,
		}, &made)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.credit[r.customer] += made.Credit
		return err
	})
}

// tally counts what was right and keeps the words of what was not.
type tally struct {
	right int
	wrong []string
}

func (t *tally) add(wrong string) {
	if wrong == "" {
		t.right++
	} else {
		t.wrong = append(t.wrong, wrong)
	}
}

func (t *tally) of() string { return fmt.Sprintf("%d right", t.right+len(t.wrong)) }

func (t *tally) String() string {
	s := fmt.Sprintf("%d right", t.right)
	if len(t.wrong) > 0 {
		s += fmt.Sprintf(", %d wrong: %s", len(t.wrong), strings.Join(t.wrong[:min(len(t.wrong), 3)], "; "))
	}
	return s
}

// json reads path where it can answer something else than JSON.
func (l *life) json(ctx context.Context, path string, into any) error {
	_, err := l.Do(ctx, drive.Call{Method: http.MethodGet, Path: path, Accept: "application/json"}, into)
	return err
}
