package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far it is: a bar on a terminal, elsewhere a line for each month.
type progress struct {
	out      io.Writer
	terminal bool
	days     int
	began    time.Time

	month string
	drawn time.Time
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// at shows that the n-th day is over, by which done of all rows were billed.
func (p *progress) at(n int, today time.Time, done, all int) {
	if p.out == nil {
		return
	}
	rate := float64(done) / max(time.Since(p.began).Seconds(), 0.001)
	if !p.terminal {
		if m := today.Format("2006-01"); m != p.month {
			p.month = m
			fmt.Fprintf(p.out, "%s  %d of %d receivables, %.0f a second\n", m, done, all, rate)
		}
		return
	}
	if n < p.days && time.Since(p.drawn) < 100*time.Millisecond {
		return
	}
	p.drawn = time.Now()
	const width = 40
	full := width * n / p.days
	fmt.Fprintf(p.out, "\r%s [%s%s] %d of %d, %.0f a second ", iso(today), strings.Repeat("=", full), strings.Repeat(" ", width-full), done, all, rate)
	if n == p.days {
		fmt.Fprintln(p.out)
	}
}

// say shows what is done next.
func (p *progress) say(what string) {
	if p.out != nil {
		fmt.Fprintln(p.out, what)
	}
}
