package functions_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/infra/local/lambda"
	"onebook/internal/app"
	"onebook/internal/app/all"
)

// optional are the names that a function can do without: the log is written at level info then, and answers to letters go to
// the organisation alone.
var optional = []string{"LOG_LEVEL", "REPLY_DOMAIN"}

// parts are what a constructor is tried with: an environment, and an outside that is not there.
func parts(env map[string]string) app.Parts {
	return app.Parts{Env: env, Now: time.Now, Machine: time.Now, Entropy: rand.Reader, Region: region, Log: slog.New(slog.DiscardHandler)}
}

func without(env map[string]string, name string) map[string]string {
	out := maps.Clone(env)
	delete(out, name)
	return out
}

// A function is in functions/, in the template, in the app and in events/, or nowhere.
func TestEveryFunctionIsWhole(t *testing.T) {
	var deployed, samples []string
	for _, f := range deployment(t, "onebook").Functions() {
		deployed = append(deployed, f.Name)
	}
	files, err := filepath.Glob(root + "/events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		samples = append(samples, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	want := doors(t)
	for where, got := range map[string][]string{
		"the template": deployed, "events/": samples, "the app": slices.Collect(maps.Keys(all.Functions)),
	} {
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("functions/ has %v, and %s has %v", want, where, got)
		}
	}
}

// The template gives each function what it demands, and nothing that it could do without.
func TestEnvironmentsAgree(t *testing.T) {
	for _, f := range deployment(t, "onebook").Functions() {
		make := all.Functions[f.Name]
		if make == nil {
			continue // TestEveryFunctionIsWhole tells
		}
		if _, err := make(app.New(parts(f.Env))); err != nil {
			t.Errorf("%s: with all that the template gives it: %v", f.Name, err)
		}
		for name := range f.Env {
			if slices.Contains(optional, name) {
				continue
			}
			for what, env := range map[string]map[string]string{"without": without(f.Env, name), "with an empty": with(f.Env, name, " ")} {
				if _, err := make(app.New(parts(env))); err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("%s %s %s: %v; either it needs it and says so, or the template need not give it", f.Name, what, name, err)
				}
			}
		}
	}
}

func with(env map[string]string, name, value string) map[string]string {
	out := maps.Clone(env)
	out[name] = value
	return out
}

// Every name that the app reads is given to some function: what nobody is given is read in vain.
func TestNothingIsReadInVain(t *testing.T) {
	given := map[string]bool{}
	for _, f := range deployment(t, "onebook").Functions() {
		for name := range f.Env {
			given[name] = true
		}
	}
	read := map[string]bool{}
	files := sources(t, root+"/internal/app")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inEnvironment.FindAllSubmatch(b, -1) {
			name := string(m[1])
			read[name] = true
			if !given[name] && !strings.HasPrefix(name, "AWS_") {
				t.Errorf("%s reads %s, which the template gives to no function", filepath.Base(file), name)
			}
		}
	}
	for name := range given {
		if !read[name] {
			t.Errorf("the template gives %s, which nothing reads", name)
		}
	}
}

// sources are the Go files in a folder and below, without tests.
func sources(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("%d sources in %s, %v", len(out), dir, err)
	}
	return out
}

// inEnvironment finds names of the environment: quoted capitals.
var inEnvironment = regexp.MustCompile(`"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|TABLE|BUCKET|ISSUER|EFFECTS)"`)

// A binary that lacks something of its environment does not start: it says what is missing, to the platform and in its
// log, and ends.
func TestWhatIsMissingIsNamed(t *testing.T) {
	for _, f := range deployment(t, "onebook").Functions() {
		for _, name := range slices.Sorted(maps.Keys(f.Env)) {
			if slices.Contains(optional, name) {
				continue
			}
			p := start(t, f.Name, without(f.Env, name))
			_, err := ready(t, p)
			var failure *lambda.Failure
			if !errors.As(err, &failure) || !failure.Init || !strings.Contains(failure.Message, name) {
				t.Errorf("%s without %s: %v", f.Name, name, err)
				continue
			}
			select {
			case <-p.Ended():
			case <-time.After(10 * time.Second):
				t.Errorf("%s without %s reports and stays", f.Name, name)
			}
			if !strings.Contains(p.Output(), name) {
				t.Errorf("%s without %s: its log does not say so: %s", f.Name, name, p.Output())
			}
		}
	}
}

// start starts a function's binary, which ends with the test.
func start(tb testing.TB, door string, env map[string]string) *lambda.Process {
	tb.Helper()
	p, err := lambda.Start(binary(tb, door), env)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

func ready(tb testing.TB, p *lambda.Process) (time.Duration, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return p.Ready(ctx)
}
