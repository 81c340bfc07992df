// Replay lives two years of a real business through the product: 2,586 receivables of 100 customers are billed, fall
// due and are paid on the days that the file tells, through the API of a local program that it starts itself, while
// the clock is moved day by day.
//
//	go run ./infra/local/replay [-data ../shared/data] [-rows n] [-pdf n] [-report file]
//
// What must come out is reckoned by expected.py, which knows only the file; what came out is read from the API and
// from the text of the PDFs, and from nothing else. The two are compared figure by figure. The report goes to
// standard output; the status is 1 when a figure differs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"onebook/infra/local/drive"
)

const fileName = "ibm-accounts-receivable.csv"

var errDiffers = errors.New("figures differ")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := Options{Out: os.Stdout, Progress: os.Stderr, Terminal: terminal(os.Stderr)}
	flag.StringVar(&o.Data, "data", dataFolder(), "the folder with "+fileName)
	flag.IntVar(&o.Rows, "rows", 0, "only the first so many receivables by date of invoice; 0 is all")
	flag.IntVar(&o.Every, "every", 0, "pay each so-manieth receivable by turns in two parts, with 5.00 too much, by two methods; 0 is none")
	flag.IntVar(&o.Corrupt, "corrupt", 0, "bill and pay one cent more in this row, counted from 1, to see the comparison fail")
	flag.IntVar(&o.PDFEvery, "pdf", 10, "read the text of every n-th PDF; each one's bytes are read anyway")
	file := flag.String("report", "", "write the report to this file too")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "replay: %q is not understood; all options begin with a dash\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(ctx, o, *file); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o Options, file string) error {
	dir, err := os.MkdirTemp("", "onebook-replay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.Binary, err = drive.Build(ctx, dir); err != nil {
		return err
	}
	o.Folder = filepath.Join(dir, "data")
	if file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		defer f.Close()
		o.Out = io.MultiWriter(o.Out, f)
	}
	r, err := Replay(ctx, o)
	if err != nil {
		return err
	}
	if !r.OK() {
		return errDiffers
	}
	return nil
}

// dataFolder is DATA, else the folder beside the repository.
func dataFolder() string {
	if d := os.Getenv("DATA"); d != "" {
		return d
	}
	root, err := drive.Root()
	if err != nil {
		return "."
	}
	return filepath.Join(root, "..", "shared", "data")
}
