// Package rights holds each function to its role: a call that the role of the template does not allow is refused
// as IAM would refuse it, and every call is noted, so that a role that allows more than its function needs is
// found as well.
//
// Resources have their names of the template: Data.Table, Data.Table/index/due, Data.Documents/uploads/…
// Whatever is called outside of any function, by tests and by the program itself, is no function's call.
package rights

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"onebook/infra/local/invoke"
	"onebook/infra/local/template"
	"onebook/internal/store"
)

// Call is something that a function did, or tried to do.
type Call struct {
	Function string `json:"function"`
	Action   string `json:"action"`
	Resource string `json:"resource"` // the pattern that allowed it; of a refused call, what it was about
}

// Denied is the error of a call that the role does not allow.
type Denied struct{ Call }

func (d *Denied) Error() string {
	return fmt.Sprintf("AccessDenied: the role of %s does not allow %s on %s; the template decides", d.Function, d.Action, d.Resource)
}

// Book knows the roles and notes the calls. Make it with New.
type Book struct {
	policies map[string][]template.Statement
	mu       sync.Mutex
	used     map[Call]int
	refused  map[Call]int
}

// New holds functions, by name, to their policies.
func New(policies map[string][]template.Statement) *Book {
	return &Book{policies: policies, used: map[Call]int{}, refused: map[Call]int{}}
}

// Check notes a call and answers *Denied unless the role allows it. leading is the leading key of a call to the
// table, else empty. An empty function may do everything.
func (b *Book) Check(function, action, resource, leading string) error {
	if function == "" {
		return nil
	}
	by, ok := Allows(b.policies[function], action, resource, leading)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !ok {
		c := Call{function, action, resource}
		b.refused[c]++
		return &Denied{c}
	}
	b.used[Call{function, action, by}]++
	return nil
}

// Used answers what each function did, Refused what it was refused.
func (b *Book) Used() []Call    { return b.list(b.used) }
func (b *Book) Refused() []Call { return b.list(b.refused) }

func (b *Book) list(m map[Call]int) []Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Call, 0, len(m))
	for c := range m {
		out = append(out, c)
	}
	slices.SortFunc(out, compare)
	return out
}

func compare(a, b Call) int {
	return strings.Compare(a.Function+" "+a.Action+" "+a.Resource, b.Function+" "+b.Action+" "+b.Resource)
}

// Unused answers what roles allow and their functions have not done so far, of the services that are played here.
func (b *Book) Unused() []Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Call
	for fn, policy := range b.policies {
		for _, s := range policy {
			for _, a := range s.Actions {
				for _, r := range s.Resources {
					if c := (Call{fn, a, r}); s.Effect == "Allow" && played(a, r) && b.used[c] == 0 {
						out = append(out, c)
					}
				}
			}
		}
	}
	slices.SortFunc(out, compare)
	return slices.Compact(out)
}

// played leaves out what the service does on a function's behalf: reading the stream, writing logs, and putting
// aside what failed.
func played(action, resource string) bool {
	switch service, name, _ := strings.Cut(action, ":"); service {
	case "dynamodb":
		return slices.Contains([]string{store.IAMGet, store.IAMQuery, store.IAMPut, store.IAMDelete, store.IAMCheck}, "dynamodb:"+name)
	case "s3":
		return !strings.Contains(resource, "Failures")
	case "secretsmanager", "ses":
		return true
	}
	return false
}

// Allows evaluates a policy as IAM does: something allows it, and nothing denies it. It answers the pattern of the
// resource that allowed it. Of the conditions it knows the leading key of the table; others count as fulfilled.
func Allows(policy []template.Statement, action, resource, leading string) (by string, ok bool) {
	for _, s := range policy {
		i := slices.IndexFunc(s.Resources, func(p string) bool { return like(p, resource) })
		if i < 0 || !slices.ContainsFunc(s.Actions, func(p string) bool { return like(p, action) }) || !holds(s, leading) {
			continue
		}
		if s.Effect == "Deny" {
			return "", false
		}
		by, ok = s.Resources[i], true
	}
	return by, ok
}

func holds(s template.Statement, leading string) bool {
	for op, keys := range s.Conditions {
		patterns, ok := keys["dynamodb:LeadingKeys"]
		if !ok {
			continue
		}
		hit := slices.ContainsFunc(patterns, func(p string) bool {
			return strings.HasSuffix(op, "StringLike") && like(p, leading) || strings.HasSuffix(op, "StringEquals") && p == leading
		})
		if !hit {
			return false
		}
	}
	return true
}

// like matches with * for any text.
func like(pattern, s string) bool {
	first, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == s
	}
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for {
		part, more, again := strings.Cut(rest, "*")
		if !again {
			return strings.HasSuffix(s, part)
		}
		at := strings.Index(s, part)
		if at < 0 {
			return false
		}
		s, rest = s[at+len(part):], more
	}
}

// Table holds the callers of t to their rights on it, under its name in the template.
func (b *Book) Table(t store.Table, name string) store.Table { return table{t, b, name} }

type table struct {
	store.Table
	book *Book
	name string
}

func (t table) watched(ctx context.Context) store.Table {
	fn := invoke.Name(ctx)
	if fn == "" {
		return t.Table
	}
	return store.Observe(t.Table, func(action string, index store.Index, pk string) error {
		resource := t.name
		if index != store.Main {
			resource = path.Join(resource, "index", string(index))
		}
		return t.book.Check(fn, action, resource, pk)
	})
}

func (t table) Get(ctx context.Context, k store.Key) (store.Item, error) {
	return t.watched(ctx).Get(ctx, k)
}

func (t table) List(ctx context.Context, q store.Query) (store.Page, error) {
	return t.watched(ctx).List(ctx, q)
}

func (t table) Write(ctx context.Context, ops ...store.Op) error {
	return t.watched(ctx).Write(ctx, ops...)
}

// Transport holds the functions whose requests pass it to their rights; of tells the actions and the resource of
// a request, none for a service that IAM does not guard.
func (b *Book) Transport(base http.RoundTripper, of func(*http.Request) (actions []string, resource string)) http.RoundTripper {
	return transport{base, b, of}
}

type transport struct {
	base http.RoundTripper
	book *Book
	of   func(*http.Request) ([]string, string)
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	actions, resource := t.of(r)
	for _, a := range actions {
		if err := t.book.Check(invoke.Name(r.Context()), a, resource, ""); err != nil {
			return nil, err
		}
	}
	return t.base.RoundTrip(r)
}
