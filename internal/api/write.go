package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
)

// Deed is a POST in two parts, so that a repeated Idempotency-Key runs the second part alone.
type Deed[P, B, Out any] struct {
	// Do does it and answers the id of what it made or changed: the same id that the deed's activity names as its
	// subject. It must hand by on to the deed, whose transaction claims the Idempotency-Key that by carries.
	Do func(ctx context.Context, by activity.By, req *Request[P, B]) (subject string, err error)
	// Show answers that thing as it is now.
	Show func(ctx context.Context, by activity.By, req *Request[P, B], subject string) (Out, Tag, error)
	// Now, for a deed on something that exists, answers that thing as it is now: If-Match is compared with it, and
	// it is the current document of a stale problem. The subject of Show may be another thing.
	Now func(ctx context.Context, by activity.By, req *Request[P, B]) (any, Tag, error)
}

// Create makes a POST that makes something: 201, unless op says otherwise.
func Create[P, B, Out any](r *Router, op Op, d Deed[P, B, Out]) {
	if op.Status == 0 {
		op.Status = http.StatusCreated
	}
	k := kind{method: http.MethodPost, once: true}
	add(r, k, op, reflect.TypeFor[P](), reflect.TypeFor[B](), of[Out](), d.serve)
}

// Act makes a POST that changes the state of something. If-Match is honoured when it is sent: Now is compared
// before, and Do must compare req.Rev in its own transaction where it can.
func Act[P, B, Out any](r *Router, op Op, d Deed[P, B, Out]) {
	k := kind{method: http.MethodPost, once: true, match: "optional"}
	add(r, k, op, reflect.TypeFor[P](), reflect.TypeFor[B](), of[Out](), d.serve)
}

// Compute makes a POST that stores nothing. An Idempotency-Key is accepted and has nothing to do.
func Compute[P, B, Out any](r *Router, op Op, compute func(ctx context.Context, by activity.By, req *Request[P, B]) (Out, error)) {
	k := kind{method: http.MethodPost, once: true}
	add(r, k, op, reflect.TypeFor[P](), reflect.TypeFor[B](), of[Out](), func(x *exchange) error {
		if _, err := x.onceKey(); err != nil {
			return err
		}
		req, err := take[P, B](x)
		if err != nil {
			return err
		}
		v, err := compute(x.ctx(), x.by, req)
		if err != nil {
			return err
		}
		return x.show(x.route.op.Status, Tag{}, v)
	})
}

func (d Deed[P, B, Out]) serve(x *exchange) error {
	key, err := x.onceKey()
	if err != nil {
		return err
	}
	req, err := take[P, B](x)
	if err != nil {
		return err
	}
	if key != "" {
		if x.by.Once, err = x.claim(key); err != nil {
			return err
		}
		if done, err := d.replay(x, req); done || err != nil {
			return err
		}
	}
	if err := d.matches(x, req); err != nil {
		return err
	}
	subject, err := d.Do(x.ctx(), x.by, req)
	if err != nil {
		// The same request may have won meanwhile: then its answer is ours, whatever stopped us.
		if k := fault.KindOf(err); key != "" && k != fault.Denied && k != fault.Invalid {
			if done, again := d.replay(x, req); done {
				return again
			} else if fault.KindOf(again) == fault.Invalid {
				return again
			}
		}
		if errors.Is(err, activity.ErrOnce) {
			return fault.Busy.Errorf("the same request is still being answered; try again in a moment")
		}
		return d.stale(x, req, err)
	}
	return d.answer(x, req, subject, x.route.op.Status)
}

// askedView is the answer to a deed that waits for a second person.
type askedView struct {
	ApprovalID string `json:"approvalId"`
}

// answer shows what was made or changed, or the question that waits instead.
func (d Deed[P, B, Out]) answer(x *exchange, req *Request[P, B], subject string, status int) error {
	if x.route.op.Second {
		if _, err := id.Contact("av", subject); err == nil {
			return x.show(http.StatusAccepted, Tag{}, askedView{ApprovalID: subject})
		}
	}
	v, tag, err := d.Show(x.ctx(), x.by, req, subject)
	if err != nil {
		return err
	}
	return x.show(status, tag, v)
}

// replay answers what an earlier request with this key made. done is false when there was none.
func (d Deed[P, B, Out]) replay(x *exchange, req *Request[P, B]) (done bool, err error) {
	rec, found, err := x.api.Once(x.ctx(), x.by.Once.Key)
	if err != nil || !found {
		return false, err
	}
	if rec.Request != x.by.Once.Request {
		return false, errMismatch
	}
	status := rec.Status
	if status == 0 {
		status = x.route.op.Status
	}
	x.w.Header().Set("Idempotency-Replayed", "true")
	return true, d.answer(x, req, rec.Subject, status)
}

// matches compares If-Match with the thing as it is now.
func (d Deed[P, B, Out]) matches(x *exchange, req *Request[P, B]) error {
	if req.Rev == 0 {
		return nil
	}
	if d.Now == nil {
		if req.Rev == anotherRev {
			return errStale
		}
		return nil
	}
	v, tag, err := d.Now(x.ctx(), x.by, req)
	if err != nil {
		return err
	}
	if tag.Rev != req.Rev {
		return current(errStale, v)
	}
	return nil
}

// stale adds the current document to a conflict that the deed itself found.
func (d Deed[P, B, Out]) stale(x *exchange, req *Request[P, B], err error) error {
	var f *fault.Error
	if d.Now == nil || !errors.As(err, &f) || f.Kind != fault.Stale || f.Data["current"] != nil {
		return err
	}
	v, _, again := d.Now(x.ctx(), x.by, req)
	if again != nil {
		return err
	}
	return current(f, v)
}

var errStale = fault.Stale.Errorf("it was changed since you read it; look at what it is now and decide again")

// current makes a stale problem that shows what the thing is now.
func current(f *fault.Error, v any) error { return f.With("current", v) }
