package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

func functions(h Handler, timeout time.Duration) *Functions {
	return &Functions{ByName: map[string]Function{"invoices": {Handler: h, Timeout: timeout}}}
}

// A handler's failure fails its own invocation, and the program goes on.
func TestFailures(t *testing.T) {
	own := errors.New("own")
	stop := make(chan struct{})
	defer close(stop)
	cases := []struct {
		name string
		h    Handler
		is   error
	}{
		{"its own error", func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, own }, own},
		{"deaf to its deadline", func(context.Context, json.RawMessage) (json.RawMessage, error) { <-stop; return nil, nil }, ErrTimeout},
		{"an answer too large", func(context.Context, json.RawMessage) (json.RawMessage, error) {
			return make(json.RawMessage, MaxPayload+1), nil
		}, ErrTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := functions(c.h, 20*time.Millisecond).Invoke(t.Context(), "invoices", nil); !errors.Is(err, c.is) {
				t.Errorf("got %v, want %v", err, c.is)
			}
		})
	}
	t.Run("panic", func(t *testing.T) {
		var p *Panic
		_, err := functions(func(context.Context, json.RawMessage) (json.RawMessage, error) { panic("boom") }, time.Second).
			Invoke(t.Context(), "invoices", nil)
		if !errors.As(err, &p) || p.Value != "boom" || len(p.Stack) == 0 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		if _, err := functions(nil, 0).Invoke(t.Context(), "nobody", nil); !errors.Is(err, ErrNoFunction) {
			t.Errorf("got %v", err)
		}
	})
}

// A client that hangs up does not stop the deed it asked for; the deadline of the template does.
func TestContext(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := functions(func(ctx context.Context, in json.RawMessage) (json.RawMessage, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		left, ok := ctx.Deadline()
		if d := time.Until(left); !ok || d > 2*time.Second || d < time.Second {
			t.Errorf("deadline in %s", d)
		}
		if Name(ctx) != "invoices" {
			t.Errorf("name %q", Name(ctx))
		}
		if lc, ok := lambdacontext.FromContext(ctx); !ok || lc.AwsRequestID == "" {
			t.Error("no request id")
		}
		return in, nil
	}, 2*time.Second).Invoke(gone, "invoices", json.RawMessage(`{"a":1}`))
	if err != nil || string(out) != `{"a":1}` {
		t.Errorf("%s, %v", out, err)
	}
	if Name(t.Context()) != "" {
		t.Error("a name outside any function")
	}
}
