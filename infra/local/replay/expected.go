package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"onebook/infra/local/drive"
)

// expectation is what expected.py reckons. Amounts are cents, days ISO dates.
type expectation struct {
	Customers []customerFigures
	Numbers   map[string]int // invoices by year
	Months    []struct {
		Month        string
		Billed, Paid int64
	}
	Days []struct {
		Day     string
		Overdue []string // sources, sorted
		Cents   int64
	}
	MonthEnds []struct {
		Day    string
		Owed   map[string]int64 // by customer
		Credit map[string]int64
		Cents  int64
	}
	Receivables []struct {
		Source, Customer, Number, IssuedOn, DueOn, PaidOn string
		Amount                                            int64
		Late                                              bool
	}
}

type customerFigures struct {
	ID                       string
	Invoices, Late, Payments int
	Billed, Paid, Balance    int64
}

func expect(ctx context.Context, file string, rows, every int) (*expectation, error) {
	root, err := drive.Root()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "python3", filepath.Join(root, "infra", "local", "replay", "expected.py"), file, strconv.Itoa(rows), strconv.Itoa(every))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("expected.py: %w: %s", err, &said)
	}
	e := &expectation{}
	return e, json.Unmarshal(out, e)
}
