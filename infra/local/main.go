// Local is the whole product on one machine, without an account anywhere: every function behind a door shaped like
// API Gateway, the record and the documents in files, a mailbox, a payment page, a clock that can be moved.
//
// Everything is on one address and in one data folder, which survives kill -9. The paths under /_local exist here
// and in no deployed stack.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := local(ctx, os.Args[1:], os.Stdout, os.Stderr, deployment, build); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "onebook:", err)
		}
		os.Exit(1)
	}
}

// deployment reads what the repository's template deploys.
func deployment(base string) (Deployment, error) {
	dir, err := home()
	if err != nil {
		return Deployment{}, err
	}
	return Read(dir, base)
}

// local runs the program until ctx ends. An error is for the person who started it, on one line.
func local(ctx context.Context, args []string, out, errOut io.Writer, deploy func(base string) (Deployment, error), build Build) error {
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "127.0.0.1:8080", "the one address that everything is served on")
	data := flags.String("data", ".local", "the folder that keeps everything; made when missing")
	now := flags.String("now", "", "start with this clock, e.g. 2026-01-05T09:00:00Z")
	web := flags.String("web", "web/dist", "the built web app; empty serves the API without it")
	quiet := flags.Bool("quiet", false, "say nothing but errors and the ready line")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not understood; all options begin with a dash", flags.Arg(0))
	}
	var start time.Time
	if *now != "" {
		var err error
		if start, err = time.Parse(time.RFC3339, *now); err != nil {
			return fmt.Errorf("-now %q is no time such as 2026-01-05T09:00:00Z", *now)
		}
	}
	level := slog.LevelInfo
	if *quiet {
		level = slog.LevelError
	}

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("the address %s is taken by another program; stop it, or choose another with -addr", *addr)
		}
		return fmt.Errorf("the address %s cannot be used: %w", *addr, err)
	}
	defer listener.Close()
	base := site(*addr, listener.Addr())
	deployment, err := deploy(base)
	if err != nil {
		return err
	}
	p, err := Open(Options{Data: *data, Begin: start, Web: *web, Base: base, Deployment: deployment, Build: build,
		Log: slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.NewTextHandler(errOut, nil), slog.LevelError)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer server.Close()
	if err := p.Start(ctx); err != nil {
		return errors.Join(err, p.Close())
	}
	fmt.Fprintln(out, "ready", base)
	select {
	case <-ctx.Done():
		return p.Close()
	case err := <-failed:
		return errors.Join(err, p.Close())
	}
}

// site is the address that links and tokens carry: as it was given, with the port that was got. A program that
// listens everywhere calls itself by the loopback address.
func site(given string, got net.Addr) string {
	host, _, _ := net.SplitHostPort(given)
	_, port, _ := net.SplitHostPort(got.String())
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
