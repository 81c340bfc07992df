package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"sync"
)

// checkDocuments reads every PDF, and the text of every n-th.
func (l *life) checkDocuments(ctx context.Context, a *actual, every int) error {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		return fmt.Errorf("pdftotext is missing: install poppler-utils")
	}
	want := map[string]int{}
	for n, w := range l.want.Receivables {
		want[w.Source] = n
	}
	var mu sync.Mutex
	var files, texts tally
	sums := map[string]string{}
	err := l.each(ctx, len(a.invoices), func(ctx context.Context, n int) error {
		i := a.invoices[n]
		pdf, wrong, err := l.pdf(ctx, i)
		if err != nil {
			return err
		}
		mu.Lock()
		files.add(wrong)
		if wrong == "" {
			sums[i.PDF.SHA256] = i.Number
		}
		mu.Unlock()
		row, known := want[i.source()]
		if every <= 0 || !known || row%every != 0 || wrong != "" {
			return nil
		}
		text, err := textOf(ctx, pdf)
		if err != nil {
			return err
		}
		w := l.want.Receivables[row]
		missing := ""
		for _, part := range []string{w.Number, lineName + w.Source, "Customer " + w.Customer, grouped(w.Amount)} {
			if !strings.Contains(text, part) {
				missing = fmt.Sprintf("%s says nothing of %q", w.Number, part)
			}
		}
		mu.Lock()
		texts.add(missing)
		mu.Unlock()
		return nil
	})
	l.report.section("Documents")
	l.report.add("PDFs: there, with the bytes that the invoice names", files.of(), &files)
	l.report.add("PDFs that differ from each other", len(l.want.Receivables), len(sums))
	l.report.add("text of PDFs: number, line, customer, amount", texts.of(), &texts)
	return err
}

func (l *life) pdf(ctx context.Context, i invoice) (pdf []byte, wrong string, err error) {
	if i.PDF == nil {
		return nil, i.Number + " has none", nil
	}
	var at struct{ URL string }
	if err := l.json(ctx, "/v1/invoices/"+i.ID+"/pdf", &at); err != nil {
		return nil, "", err
	}
	if pdf, err = l.Fetch(ctx, at.URL); err != nil {
		return nil, "", err
	}
	if sum := sha256.Sum256(pdf); hex.EncodeToString(sum[:]) != i.PDF.SHA256 {
		return nil, i.Number + " has other bytes", nil
	}
	return pdf, "", nil
}

func textOf(ctx context.Context, pdf []byte) (string, error) {
	cmd := exec.CommandContext(ctx, "pdftotext", "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("pdftotext: %w", err)
	}
	return strings.Join(strings.Fields(string(out)), " "), nil
}

// grouped is an amount as a document prints it.
func grouped(n int64) string {
	s := dollars(n)
	for at := len(s) - len(".00") - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
