package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"onebook/infra/local/lambda"
)

// roleOf names the variable that turns this test's binary into a function.
const roleOf = "ONEBOOK_TEST_FUNCTION"

func TestMain(m *testing.M) {
	switch os.Getenv(roleOf) {
	case "":
		os.Exit(m.Run())
	case "silent":
		os.Stderr.WriteString("nothing to say but this")
		os.Exit(3)
	}
	runtime.Start(play)
}

type asked struct{ Do, Text string }

type told struct {
	Text, Request, Home string
	Left                time.Duration
	Names               int
}

// play is the function: it does as it is asked, through the runtime library that our functions use.
func play(ctx context.Context, in asked) (told, error) {
	switch in.Do {
	case "fail":
		return told{}, errors.New(in.Text)
	case "panic":
		panic(in.Text)
	case "end":
		os.Exit(4)
	case "hang":
		select {}
	case "much":
		return told{Text: strings.Repeat("x", 6<<20)}, nil
	}
	end, _ := ctx.Deadline()
	lc, _ := lambdacontext.FromContext(ctx)
	return told{Text: in.Text, Request: lc.AwsRequestID, Home: os.Getenv("HOME"), Left: time.Until(end), Names: len(os.Environ())}, nil
}

func start(t *testing.T, role string) *lambda.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := lambda.Start(self, map[string]string{roleOf: role})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func ask(t *testing.T, p *lambda.Process, in asked, timeout time.Duration) (told, error) {
	t.Helper()
	payload, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out told
	b, err := p.Invoke(t.Context(), payload, timeout)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

// A function is started once and answers one invocation after the other, each under its own id and deadline, and a
// failure of one is not the next one's.
func TestAnswers(t *testing.T) {
	p := start(t, "play")
	if took, err := p.Ready(t.Context()); err != nil || took <= 0 {
		t.Fatalf("ready after %v, %v", took, err)
	}
	seen := map[string]bool{}
	for range 3 {
		got, err := ask(t, p, asked{Text: "zoë"}, 20*time.Second)
		if err != nil || got.Text != "zoë" || got.Request == "" || seen[got.Request] || got.Left <= 10*time.Second || got.Left > 20*time.Second {
			t.Fatalf("%+v, %v", got, err)
		}
		if got.Home != "" {
			t.Error("the function sees the environment of this process")
		}
		seen[got.Request] = true
		var f *lambda.Failure
		if _, err := ask(t, p, asked{Do: "fail", Text: "no paper"}, 20*time.Second); !errors.As(err, &f) || f.Message != "no paper" || f.Type != "errorString" || f.Init {
			t.Fatalf("%v", err)
		}
	}
}

// How an invocation can end otherwise: what the function reports is told, and what it does not report is noticed.
func TestEndings(t *testing.T) {
	for _, c := range []struct {
		do   string
		want error
		say  string
	}{
		{"panic", nil, "lost my way"}, {"much", nil, "6 MB"}, {"end", lambda.ErrEnded, ""}, {"hang", lambda.ErrTimeout, ""},
	} {
		t.Run(c.do, func(t *testing.T) {
			t.Parallel()
			p := start(t, "play")
			timeout := 20 * time.Second
			if c.do == "hang" {
				timeout = 300 * time.Millisecond
			}
			_, err := ask(t, p, asked{Do: c.do, Text: "lost my way"}, timeout)
			var f *lambda.Failure
			if c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &f) || err == nil || !strings.Contains(err.Error(), c.say) {
				t.Fatalf("got %v", err)
			}
			if c.do == "panic" {
				<-p.Ended()
				if _, err := ask(t, p, asked{}, timeout); !errors.Is(err, lambda.ErrEnded) {
					t.Errorf("after its end: %v", err)
				}
			}
		})
	}
}

// A start that fails without a report ends with what the binary has written.
func TestSilentEnd(t *testing.T) {
	p := start(t, "silent")
	if _, err := p.Ready(t.Context()); !errors.Is(err, lambda.ErrEnded) || !strings.Contains(err.Error(), "nothing to say but this") {
		t.Errorf("got %v", err)
	}
	if _, err := lambda.Start("/nowhere/bootstrap", nil); err == nil {
		t.Error("a binary that is not there was started")
	}
}
