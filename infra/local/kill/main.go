// Kill proves that what was answered is kept: while whole lives run, from a contact to its last receipt, the local
// program is ended with kill -9 and started again at random moments. The clients keep what each 2xx told them and
// repeat what got no answer, under the same Idempotency-Key. In the end every id, figure, PDF, mail and payment is read
// again: it must be there, and nothing may be there twice.
//
//	go run ./infra/local/kill [-lives 20] [-kills 50] [-seed n]
//
// The seed is printed, and decides the moments in terms of answered requests; the rest is the machine's mood.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"onebook/infra/local/drive"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := Options{Log: os.Stderr}
	flag.IntVar(&o.Lives, "lives", 20, "how many lives")
	flag.IntVar(&o.Kills, "kills", 50, "how many times kill -9")
	flag.Uint64Var(&o.Seed, "seed", 0, "of the moments; 0 takes one from the clock")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "kill: %q is not understood; all options begin with a dash\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "onebook-kill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.Binary, err = drive.Build(ctx, dir); err != nil {
		return err
	}
	if o.Seed == 0 {
		o.Seed = uint64(time.Now().UnixNano())
	}
	o.Folder = filepath.Join(dir, "data")
	out, err := Endure(ctx, o)
	if err != nil {
		return err
	}
	fmt.Println(out)
	for _, w := range out.Wrong {
		fmt.Println("  wrong:", w)
	}
	if len(out.Wrong) > 0 {
		return errors.New("what was answered is not what is there")
	}
	return nil
}
