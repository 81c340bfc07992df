package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Figure is one thing that was compared.
type Figure struct {
	Name, Expected, Actual string
}

// OK reports whether it is as expected.
func (f Figure) OK() bool { return f.Expected == f.Actual }

// section is a table of figures.
type section struct {
	title   string
	figures []Figure
}

// Report is everything that was compared.
type Report struct {
	Rows    int
	Took    time.Duration // from the first day to the last, without the reading afterwards
	Checked time.Duration // the reading afterwards

	sections []section
}

func (r *Report) section(title string) { r.sections = append(r.sections, section{title: title}) }

// add compares one figure.
func (r *Report) add(name string, want, got any) {
	s := &r.sections[len(r.sections)-1]
	s.figures = append(s.figures, Figure{name, fmt.Sprint(want), fmt.Sprint(got)})
}

// Wrong are the figures that differ.
func (r *Report) Wrong() (out []Figure) {
	for _, s := range r.sections {
		for _, f := range s.figures {
			if !f.OK() {
				out = append(out, f)
			}
		}
	}
	return out
}

// OK reports whether every figure is as expected.
func (r *Report) OK() bool { return len(r.Wrong()) == 0 }

func (r *Report) figures() (n int) {
	for _, s := range r.sections {
		n += len(s.figures)
	}
	return n
}

// write prints it in Markdown: the verdict first, then what differs, then everything.
func (r *Report) write(w io.Writer) {
	wrong := r.Wrong()
	fmt.Fprintf(w, "# Replay of %d receivables\n\n", r.Rows)
	if len(wrong) == 0 {
		fmt.Fprintf(w, "All %d figures are as expected.", r.figures())
	} else {
		fmt.Fprintf(w, "**%d of %d figures differ.**", len(wrong), r.figures())
	}
	fmt.Fprintf(w, " %.1f rows a second (%d rows in %s; read back in %s).\n", r.rate(), r.Rows, r.Took.Round(time.Second/10), r.Checked.Round(time.Second/10))
	if len(wrong) > 0 {
		fmt.Fprintf(w, "\n## What differs\n\n")
		table(w, wrong)
	}
	for _, s := range r.sections {
		fmt.Fprintf(w, "\n## %s\n\n", s.title)
		table(w, s.figures)
	}
}

func (r *Report) rate() float64 { return float64(r.Rows) / max(r.Took.Seconds(), 0.001) }

// longest bounds a cell, so that a list of a hundred names does not make the page unreadable.
const longest = 120

func table(w io.Writer, figures []Figure) {
	rows := [][4]string{{"figure", "expected", "actual", "ok"}}
	for _, f := range figures {
		ok := "yes"
		if !f.OK() {
			ok = "NO"
		}
		rows = append(rows, [4]string{cell(f.Name), cell(f.Expected), cell(f.Actual), ok})
	}
	var width [4]int
	for _, r := range rows {
		for n, c := range r {
			width[n] = max(width[n], len(c))
		}
	}
	for n, r := range rows {
		fmt.Fprintf(w, "| %-*s | %*s | %*s | %-*s |\n", width[0], r[0], width[1], r[1], width[2], r[2], width[3], r[3])
		if n == 0 {
			fmt.Fprintf(w, "|%s|%s:|%s:|%s|\n", strings.Repeat("-", width[0]+2), strings.Repeat("-", width[1]+1), strings.Repeat("-", width[2]+1), strings.Repeat("-", width[3]+2))
		}
	}
}

func cell(s string) string {
	s = strings.ReplaceAll(s, "|", "/")
	if len(s) > longest {
		s = s[:longest-1] + "…"
	}
	return s
}
