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
