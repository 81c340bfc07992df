package document

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	update = flag.Bool("update", false, "write the golden file anew")
	dump   = flag.String("dump", "", "a folder in which to leave the documents, to look at")
)

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(string, ...any)
	Skipf(string, ...any)
}

// run feeds a document to one of poppler's tools (apt: poppler-utils).
func run(t tester, pdf []byte, tool string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: install poppler-utils", tool)
		}
		t.Skipf("%s is missing (poppler-utils): what is printed cannot be read back", tool)
	}
	cmd := exec.Command(tool, args...)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(pdf), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", tool, err, &errs)
	}
	if errs.Len() > 0 {
		t.Fatalf("%s complains about the file: %s", tool, &errs)
	}
	return string(out)
}

func render(t *testing.T, p Paper) []byte {
	t.Helper()
	pdf, _, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	if *dump != "" {
		name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + "-" + p.Number + ".pdf"
		if err := os.WriteFile(filepath.Join(*dump, name), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return pdf
}

// text reads a document back, page by page, as a person sees it.
func text(t tester, pdf []byte) []string {
	t.Helper()
	all := run(t, pdf, "pdftotext", "-layout", "-", "-")
	return strings.Split(strings.TrimSuffix(all, "\f"), "\f")
}

// joined is a text without the spaces that typesetting adds or takes.
func joined(s string) string { return strings.Join(strings.Fields(s), " ") }

type word struct {
	page                   int
	xMin, yMin, xMax, yMax float64
	text                   string
}

var (
	wordLine = regexp.MustCompile(`<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*)</word>`)
	pageLine = "<page "
)

// words finds where each word of a document stands, in points from the upper left corner.
func wordsAt(t tester, pdf []byte) []word {
	t.Helper()
	var found []word
	page := 0
	for line := range strings.Lines(run(t, pdf, "pdftotext", "-bbox", "-", "-")) {
		if strings.Contains(line, pageLine) {
			page++
		}
		if m := wordLine.FindStringSubmatch(line); m != nil {
			w := word{page: page, text: m[5]}
			for i, to := range []*float64{&w.xMin, &w.yMin, &w.xMax, &w.yMax} {
				*to, _ = strconv.ParseFloat(m[i+1], 64)
			}
			found = append(found, w)
		}
	}
	return found
}

// tidy fails when a word stands outside the margins or two words lie on each other.
func tidy(t tester, pdf []byte) {
	t.Helper()
	words := wordsAt(t, pdf)
	if len(words) == 0 {
		t.Fatalf("the document is empty")
	}
	for i, w := range words {
		if w.xMin < left-1 || w.xMax > right+1 || w.yMin < 30 || w.yMax > pageHeight-24 {
			t.Fatalf("page %d: %q stands outside the margins: %v", w.page, w.text, w)
		}
		for _, v := range words[i+1:] {
			if v.page != w.page {
				break
			}
			// The boxes of neighbouring lines overlap by ascent and descent; their middles must not.
			if min(v.xMax, w.xMax)-max(v.xMin, w.xMin) > 0.5 &&
				min(v.yMax, w.yMax)-max(v.yMin, w.yMin) > 0.6*min(v.yMax-v.yMin, w.yMax-w.yMin) {
				t.Fatalf("page %d: %q and %q lie on each other: %v %v", w.page, w.text, v.text, w, v)
			}
		}
	}
}

func contains(t tester, pages []string, wants ...string) {
	t.Helper()
	all := strings.ReplaceAll(joined(strings.Join(pages, "\n")), " / ", "/")
	for _, want := range wants {
		if !strings.Contains(all, joined(want)) {
			t.Fatalf("%q cannot be read on the document:\n%s", want, strings.Join(pages, "\n"))
		}
	}
}

// amountAfter reads the figure at the end of the line that begins with a word.
func amountAfter(t tester, page, begin string) (cents int64, found bool) {
	t.Helper()
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), begin); ok {
			fields := strings.Fields(rest)
			return parseCents(t, fields[len(fields)-1]), true
		}
	}
	return 0, false
}

func parseCents(t tester, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.NewReplacer(",", "", ".", "", "−", "-").Replace(s), 10, 64)
	if err != nil {
		t.Fatalf("no amount: %v", err)
	}
	return n
}

func decimalString(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }
