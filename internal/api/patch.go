package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"onebook/internal/activity"
	"onebook/internal/fault"
)

// Change is a PATCH of what people edit of a thing.
type Change[P, Edit, Out any] struct {
	// Now answers the editable form as it is now; the patch is applied to it.
	Now func(ctx context.Context, by activity.By, req *Request[P, Edit]) (Edit, Tag, error)
	// Do stores the new form, req.Body, in place of revision req.Rev, and nothing else: fault.Stale when that is
	// not the current one any more.
	Do func(ctx context.Context, by activity.By, req *Request[P, Edit]) error
	// Show answers the thing as it is now.
	Show func(ctx context.Context, by activity.By, req *Request[P, Edit]) (Out, Tag, error)
}

// Patch makes a PATCH with a merge patch (RFC 7396): what is left out stays, null removes, lists are replaced.
func Patch[P, Edit, Out any](r *Router, op Op, c Change[P, Edit, Out]) {
	k := kind{method: http.MethodPatch, match: "required", patch: true}
	add(r, k, op, reflect.TypeFor[P](), reflect.TypeFor[Edit](), of[Out](), func(x *exchange) error {
		req, err := take[P, Edit](x)
		if err != nil {
			return err
		}
		show := func() (any, Tag, error) { return c.Show(x.ctx(), x.by, req) }
		now, tag, err := c.Now(x.ctx(), x.by, req)
		if err != nil {
			return err
		}
		if tag.Rev != req.Rev {
			return x.withCurrent(errStale, show)
		}
		if err := decodePatch(now, x.body, x.route.plan().body, &req.Body); err != nil {
			return err
		}
		return x.changed(c.Do(x.ctx(), x.by, req), show)
	})
}

// Whole is a PUT: the whole of something, or of one setting, in place of what was there.
type Whole[P, B, Out any] struct {
	// Do stores req.Body in place of revision req.Rev: fault.Stale when that is not the current one.
	Do func(ctx context.Context, by activity.By, req *Request[P, B]) error
	// Show answers the thing as it is now.
	Show func(ctx context.Context, by activity.By, req *Request[P, B]) (Out, Tag, error)
}

// Put makes a PUT.
func Put[P, B, Out any](r *Router, op Op, c Whole[P, B, Out]) {
	k := kind{method: http.MethodPut, match: "required"}
	add(r, k, op, reflect.TypeFor[P](), reflect.TypeFor[B](), of[Out](), func(x *exchange) error {
		req, err := take[P, B](x)
		if err != nil {
			return err
		}
		show := func() (any, Tag, error) { return c.Show(x.ctx(), x.by, req) }
		_, tag, err := show()
		if err != nil {
			return err
		}
		if tag.Rev != req.Rev {
			return x.withCurrent(errStale, show)
		}
		return x.changed(c.Do(x.ctx(), x.by, req), show)
	})
}

// Removal is a DELETE.
type Removal[P any] struct {
	// Now answers the thing as it is now.
	Now func(ctx context.Context, by activity.By, req *Request[P, None]) (any, Tag, error)
	// Do removes revision req.Rev: fault.Stale when that is not the current one.
	Do func(ctx context.Context, by activity.By, req *Request[P, None]) error
}

// Remove makes a DELETE: 204.
func Remove[P any](r *Router, op Op, c Removal[P]) {
	if op.Status == 0 {
		op.Status = http.StatusNoContent
	}
	k := kind{method: http.MethodDelete, match: "required"}
	add(r, k, op, reflect.TypeFor[P](), nil, nil, func(x *exchange) error {
		req, err := take[P, None](x)
		if err != nil {
			return err
		}
		show := func() (any, Tag, error) { return c.Now(x.ctx(), x.by, req) }
		_, tag, err := show()
		if err != nil {
			return err
		}
		if tag.Rev != req.Rev {
			return x.withCurrent(errStale, show)
		}
		if err := c.Do(x.ctx(), x.by, req); err != nil {
			return x.withCurrent(err, show)
		}
		x.w.WriteHeader(x.route.op.Status)
		return nil
	})
}

// changed answers what became of the thing, or why it was not changed.
func (x *exchange) changed(err error, show func() (any, Tag, error)) error {
	if err != nil {
		return x.withCurrent(err, show)
	}
	v, tag, err := show()
	if err != nil {
		return err
	}
	return x.show(x.route.op.Status, tag, v)
}

// withCurrent shows, in a stale problem, what the thing is now. Every other error stays as it is.
func (x *exchange) withCurrent(err error, show func() (any, Tag, error)) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Stale || f.Data["current"] != nil {
		return err
	}
	v, _, again := show()
	if again != nil {
		return err
	}
	return current(f, v)
}
