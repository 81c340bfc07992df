package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// receivable is one row of the file, as it is sent.
type receivable struct {
	source   string // the file's number of the invoice
	customer string
	amount   string // major units, as the API takes prices
	cents    int64  // the same in minor units, as it takes payments
	issued   time.Time
	due      time.Time
	settled  time.Time
	way      way
}

// way is how a receivable is paid.
type way int

// The ways; all but the first by turns.
const (
	plain way = iota // all on its day, by transfer
	parts            // half of it midway between issue and that day
	over             // with something too much
	two              // half of it in cash
)

// tooMuch is what is overpaid, in cents.
const tooMuch = 500

// wayOf is how the n-th receivable, counted from 0 by date of invoice, is paid when each every-th is paid otherwise.
func wayOf(n, every int) way {
	if every == 0 || (n+1)%every != 0 {
		return plain
	}
	return []way{parts, over, two}[((n+1)/every-1)%3]
}

// half is the day on which the first half is paid.
func (r receivable) half() time.Time {
	if r.way != parts {
		return r.settled
	}
	return r.issued.Add(r.settled.Sub(r.issued) / day / 2 * day)
}

// paying is one payment.
type paying struct {
	cents  int64
	method string
	on     time.Time
}

// pay is the first half of what is owed, or what follows it.
func (r receivable) pay(owed int64, first bool) paying {
	part := int64(0)
	if r.way == parts || r.way == two {
		part = owed / 2
	}
	switch {
	case first && r.way == two:
		return paying{part, "cash", r.half()}
	case first:
		return paying{part, "transfer", r.half()}
	case r.way == over && owed > 0:
		owed += tooMuch
	}
	return paying{owed - part, "transfer", r.settled}
}

// read reads the receivables by date of invoice; those of one day stay in the order of the file.
func read(path string, rows int) ([]receivable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	column := map[string]int{}
	for n, name := range all[0] {
		column[name] = n
	}
	var out []receivable
	for n, row := range all[1:] {
		r := receivable{source: row[column["invoiceNumber"]], customer: row[column["customerID"]], amount: row[column["InvoiceAmount"]]}
		if r.cents, err = cents(r.amount); err != nil {
			return nil, fmt.Errorf("%s, row %d: %w", path, n+2, err)
		}
		for name, day := range map[string]*time.Time{"InvoiceDate": &r.issued, "DueDate": &r.due, "SettledDate": &r.settled} {
			if *day, err = time.Parse("1/2/2006", row[column[name]]); err != nil {
				return nil, fmt.Errorf("%s, row %d: %w", path, n+2, err)
			}
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b receivable) int { return a.issued.Compare(b.issued) })
	if rows > 0 && rows < len(out) {
		out = out[:rows]
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no receivables", path)
	}
	return out, nil
}

// cents reads an amount in dollars with at most two decimals.
func cents(amount string) (int64, error) {
	whole, part, _ := strings.Cut(amount, ".")
	if len(part) > 2 {
		return 0, fmt.Errorf("%q has more than two decimals", amount)
	}
	var n int64
	for _, d := range whole + part + "00"[len(part):] {
		if d < '0' || d > '9' || n > 1e15 {
			return 0, fmt.Errorf("%q is no amount", amount)
		}
		n = 10*n + int64(d-'0')
	}
	return n, nil
}

// dollars is the form in which people and the API read cents.
func dollars(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

const (
	isoDay = "2006-01-02"
	day    = 24 * time.Hour
)

func iso(t time.Time) string { return t.Format(isoDay) }
