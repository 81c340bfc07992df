package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onebook/infra/local/drive"
)

var binary string

func TestMain(m *testing.M) { os.Exit(withProgram(m.Run)) }

func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "onebook-replay-")
	if err == nil {
		defer os.RemoveAll(dir)
		binary, err = drive.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

// slice is how many receivables the tests replay: two weeks of bills, two months until the last is paid.
const slice = 60

// data is the folder with the receivables (DATA; ../shared/data beside the repository unless given).
func data(t *testing.T) string {
	t.Helper()
	folder := dataFolder()
	if _, err := os.Stat(filepath.Join(folder, fileName)); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the receivables are missing: %v", err)
		}
		t.Skipf("no receivables in %s; set DATA", folder)
	}
	return folder
}

func replay(t *testing.T, corrupt, every int) (*Report, string) {
	t.Helper()
	var out bytes.Buffer
	r, err := Replay(t.Context(), Options{
		Binary: binary, Folder: filepath.Join(t.TempDir(), "data"), Data: data(t), Rows: slice, Corrupt: corrupt, Every: every, PDFEvery: 5, Out: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, out.String()
}

// What goes through the product comes out of it to the cent.
func TestReplay(t *testing.T) {
	r, out := replay(t, 0, 0)
	for _, f := range r.Wrong() {
		t.Errorf("%s: %s, not %s", f.Name, f.Actual, f.Expected)
	}
	for _, want := range []string{
		"# Replay of 60 receivables", "figures are as expected", "rows a second",
		"| billed           |", "3685.62", "60: 2012-0001 to 2012-0060 without a gap", "| late receivables |", "PDFs: there",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not say %q:\n%s", want, out)
		}
	}
	if n := r.figures(); n < 70 {
		t.Errorf("only %d figures were compared", n)
	}
}

// Payments in two parts, with something too much and by two methods come out to the cent too, and what was too much is used
// up by the next invoice.
func TestReplayOfOtherWaysToPay(t *testing.T) {
	r, out := replay(t, 0, 4)
	for _, f := range r.Wrong() {
		t.Errorf("%s: %s, not %s", f.Name, f.Actual, f.Expected)
	}
	// Of 60 receivables 15 are paid otherwise: 5 in parts, 5 with 5.00 too much, 5 by two methods.
	for _, sec := range r.sections {
		for _, f := range sec.figures {
			if f.Name == "payments" && f.Actual != "70" {
				t.Errorf("there are %s payments, not ten more than receivables:\n%s", f.Actual, out)
			}
		}
	}
}

// A cent too much in one of sixty rows is found, and the figures that it is in are named.
func TestOneCent(t *testing.T) {
	r, out := replay(t, 30, 0)
	if r.OK() {
		t.Fatalf("it was not found:\n%s", out)
	}
	wrong := map[string]Figure{}
	for _, f := range r.Wrong() {
		wrong[f.Name] = f
	}
	for name, want := range map[string]Figure{
		"billed":            {Expected: "3685.62", Actual: "3685.63"},
		"paid":              {Expected: "3685.62", Actual: "3685.63"},
		"billed in 2012-01": {Expected: "3685.62", Actual: "3685.63"},
		"0688-XNJRO":        {Expected: "2 / 82.22 / 82.22 / 0.00 / 2", Actual: "2 / 82.23 / 82.23 / 0.00 / 2"},
	} {
		if f := wrong[name]; f.Expected != want.Expected || f.Actual != want.Actual {
			t.Errorf("%s: told as %q against %q", name, f.Actual, f.Expected)
		}
	}
	for _, name := range []string{"receivables: number, customer, amount, days", "days: which are listed as and called overdue", "balances of each customer at each month's end"} {
		if _, ok := wrong[name]; !ok {
			t.Errorf("%q was not found wrong", name)
		}
	}
	if len(wrong) > 10 {
		t.Errorf("a cent is in eight figures, not in %d:\n%s", len(wrong), out)
	}
	if !strings.Contains(out, "## What differs") {
		t.Errorf("the report does not begin with what differs:\n%s", out)
	}
}

// The most telling figures of the whole file, which expected.py reckons. A line of awk over the columns InvoiceAmount and
// DaysLate finds the same.
func TestExpected(t *testing.T) {
	e, err := expect(t.Context(), filepath.Join(data(t), fileName), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var billed, paid int64
	late, payers := 0, 0
	for _, c := range e.Customers {
		billed, paid, late = billed+c.Billed, paid+c.Paid, late+c.Late
		if c.Late > 0 {
			payers++
		}
		if c.Balance != 0 {
			t.Errorf("%s owes %d in the end, though all was settled", c.ID, c.Balance)
		}
	}
	got := fmt.Sprint(len(e.Receivables), len(e.Customers), billed, paid, late, payers, e.Numbers, len(e.Days))
	if want := "2586 100 15565878 15565878 942 88 map[2012:1343 2013:1243] 749"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	rows, err := read(filepath.Join(data(t), fileName), 0)
	if err != nil {
		t.Fatal(err)
	}
	for n, r := range rows {
		if e.Receivables[n].Source != r.source {
			t.Fatalf("row %d is %s here and %s there: the order of numbers would differ", n, r.source, e.Receivables[n].Source)
		}
	}
}

func TestCents(t *testing.T) {
	for text, want := range map[string]int64{"47.07": 4707, "35.7": 3570, "0.01": 1, "128": 12800, "9.": 900, "1.234": -1, "x": -1, "-1": -1, "1e3": -1, "99999999999999999.00": -1} {
		got, err := cents(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0.00", 5: "0.05", -1230: "-12.30", 123456789: "1,234,567.89"} {
		if got := grouped(n); n >= 0 && got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
		if got := dollars(n); got != strings.ReplaceAll(want, ",", "") {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
