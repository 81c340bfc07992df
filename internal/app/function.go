package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Handler is what a function's main hands to the Lambda runtime.
type Handler func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)

// Function makes one function of a product: it refuses an environment that lacks something, puts in what the product
// needs of the outside, and answers the handler.
type Function func(*Product) (Handler, error)

// reserve is what of a function's time is kept to answer in: work ends before the platform ends it.
const reserve = 2 * time.Second

// Adapt puts types on a payload.
func Adapt[In, Out any](do func(ctx context.Context, in In) (Out, error)) Handler {
	return func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end.Add(-reserve))
			defer cancel()
		}
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

// Needs refuses to start a function whose environment lacks something, so that a wrong deployment fails at once and says
// what is missing.
func (x *Product) Needs(names ...string) error {
	var missing []string
	for _, n := range names {
		if strings.TrimSpace(x.Env[n]) == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the environment lacks %s", strings.Join(missing, ", "))
	}
	return nil
}
