// Package invoke runs the functions' handlers as Lambda would: by name, with a deadline, a request id and a
// payload that is JSON on both sides.
//
// A handler that panics, fails or outlives its timeout fails its own invocation and nothing else. The name of the
// function that is running travels in the context ([Name]), so that the calls it makes can be compared with what
// its role allows.
package invoke

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Handler is what a function's main hands to the Lambda runtime, before types are put on the payload.
type Handler func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)

// Function is one deployed function: its handler and the settings of its template.
type Function struct {
	Handler Handler
	Timeout time.Duration // of the template; zero means Lambda's default of three seconds
}

// DefaultTimeout is Lambda's own, for a template that names none.
const DefaultTimeout = 3 * time.Second

// MaxPayload is the most that a synchronous invocation may take or answer.
const MaxPayload = 6 << 20

var (
	// ErrNoFunction is answered for a name that nothing is deployed under.
	ErrNoFunction = errors.New("there is no function of this name")
	// ErrTimeout is answered when the handler had not answered at its deadline. It may still be running.
	ErrTimeout = errors.New("the function timed out")
	// ErrTooLarge is answered for a payload over MaxPayload, either way.
	ErrTooLarge = errors.New("the payload is over 6 MB")
)

// Panic is the failure of a handler that panicked.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Around wraps every invocation, e.g. with fault points; next runs the handler.
type Around func(ctx context.Context, name string, next func() (json.RawMessage, error)) (json.RawMessage, error)

// Functions is everything that is deployed, by its name in the template.
type Functions struct {
	ByName map[string]Function
	Around Around // optional
}

// Invoke runs one function and answers what it answered. It does not end when ctx is cancelled by a caller who
// went away: Lambda does not either. ErrNoFunction, ErrTimeout, ErrTooLarge, *Panic, or the handler's own error.
func (f *Functions) Invoke(ctx context.Context, name string, payload json.RawMessage) (json.RawMessage, error) {
	fn, ok := f.ByName[name]
	if !ok || fn.Handler == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoFunction, name)
	}
	if len(payload) > MaxPayload {
		return nil, ErrTooLarge
	}
	timeout := fn.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	ctx = context.WithValue(ctx, nameKey{}, name)
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       RequestID(),
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:" + name,
	})

	run := func() (out json.RawMessage, err error) {
		defer func() {
			if v := recover(); v != nil {
				out, err = nil, &Panic{Value: v, Stack: debug.Stack()}
			}
		}()
		call := func() (json.RawMessage, error) { return fn.Handler(ctx, payload) }
		if f.Around != nil {
			return f.Around(ctx, name, call)
		}
		return call()
	}
	type answer struct {
		out json.RawMessage
		err error
	}
	done := make(chan answer, 1)
	go func() {
		out, err := run()
		done <- answer{out, err}
	}()
	select {
	case a := <-done:
		if a.err == nil && len(a.out) > MaxPayload {
			return nil, ErrTooLarge
		}
		return a.out, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w after %s: %s", ErrTimeout, timeout, name)
	}
}

type nameKey struct{}

// Name answers which function ctx belongs to, or "" outside any.
func Name(ctx context.Context) string {
	name, _ := ctx.Value(nameKey{}).(string)
	return name
}

// RequestID makes a random id in the form of a UUID.
func RequestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
