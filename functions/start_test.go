package functions_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"onebook/infra/local/lambda"
)

// goal is how many times as long as an empty handler the heaviest function of the API may take to its first poll
// (performance.md "What to reach").
const goal = 2.0

// starts is how often each function is started: enough for a median that stands still.
const starts = 25

// BenchmarkStart measures each function from the start of its process to its first poll of the runtime API, in turns with
// an empty handler, since only figures of the same moment can be compared.
func BenchmarkStart(b *testing.B) {
	t := deployment(b, "onebook")
	names := doors(b)
	took := map[string][]time.Duration{}
	start := func(door string) {
		f, _ := t.Function(door)
		p, err := lambda.Start(binary(b, door), f.Env)
		if err != nil {
			b.Fatal(err)
		}
		d, err := p.Ready(context.Background())
		if err != nil {
			b.Fatalf("%s: %v", door, err)
		}
		if err := p.Stop(); err != nil {
			b.Fatal(err)
		}
		took[door] = append(took[door], d)
	}
	start(empty) // builds, and warms the page cache
	for _, d := range names {
		start(d)
	}
	clear(took)
	for range b.N {
		for range starts {
			start(empty)
			for _, d := range names {
				start(d)
			}
		}
	}
	base := median(took[empty])
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "function\tstart, ms\tx empty\tMB\t\n")
	heaviest := 0.0
	for _, d := range append([]string{empty}, names...) {
		ratio := float64(median(took[d])) / float64(base)
		if f, _ := t.Function(d); len(f.Routes) > 0 {
			heaviest = max(heaviest, ratio)
		}
		size := 0.0
		if i, err := os.Stat(binary(b, d)); err == nil {
			size = float64(i.Size()) / 1e6
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.1f\t\n", d, float64(median(took[d]).Microseconds())/1000, ratio, size)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	// Not by b.Log, which cuts off after ten lines.
	fmt.Printf("\nprocess start to first poll, medians of %d:\n%sheaviest of the API: %.2f x empty, and %.1f is the goal\n", len(took[empty]), table.String(), heaviest, goal)
	b.ReportMetric(heaviest, "x-empty")
	b.ReportMetric(float64(base.Microseconds())/1000, "ms-empty")
}

// What is allocated before main costs a start even where nobody looks at a clock, and unlike the clock it is the same on
// every machine. Below 4 MB no garbage is collected; the numbering plans, which only contacts links, take most of its share.
func TestStartIsLight(t *testing.T) {
	for _, f := range deployment(t, "onebook").Functions() {
		most := 1 << 20
		if f.Name == "contacts" {
			most = 4 << 20
		}
		p := start(t, f.Name, with(f.Env, "GODEBUG", "inittrace=1"))
		if _, err := ready(t, p); err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if err := p.Stop(); err != nil { // what it has written is complete at its end
			t.Fatal(err)
		}
		all, by := 0, []string{}
		for _, m := range initialised.FindAllStringSubmatch(p.Output(), -1) {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			all += n
			if n > 100<<10 {
				by = append(by, fmt.Sprintf("%s %d", m[1], n))
			}
		}
		t.Logf("%-10s %7d bytes", f.Name, all)
		if all == 0 || all > most {
			t.Errorf("%s allocates %d bytes before main, and %d are enough: %v", f.Name, all, most, by)
		}
	}
}

// initialised reads a line of the runtime's trace: the package, and the bytes that its start has allocated.
var initialised = regexp.MustCompile(`(?m)^init (\S+) @[^,]*, [^,]*, (\d+) bytes`)

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}
