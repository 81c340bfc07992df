package gateway

import (
	"fmt"
	"strings"
)

// Route is one route of the API as the template has it.
type Route struct {
	Method   string // GET, POST, …, or ANY
	Path     string // with {name} for one segment, {name+} at the end for all that follow
	Auth     bool   // behind the JWT authorizer
	Function string
}

// Key is the route's name in the API, e.g. "GET /v1/contacts/{id}".
func (r Route) Key() string { return r.Method + " " + r.Path }

// Routes is the API's table of routes. Make it with NewRoutes.
type Routes struct{ all []compiled }

type compiled struct {
	Route
	segments []string
	greedy   bool
}

// NewRoutes reads the table. Two routes with one key, or a path that does not begin with a slash, are an error.
func NewRoutes(routes []Route) (Routes, error) {
	seen := map[string]bool{}
	var t Routes
	for _, r := range routes {
		r.Method = strings.ToUpper(r.Method)
		if !strings.HasPrefix(r.Path, "/") {
			return Routes{}, fmt.Errorf("route %s: a path begins with a slash", r.Key())
		}
		if seen[r.Key()] {
			return Routes{}, fmt.Errorf("route %s is there twice", r.Key())
		}
		seen[r.Key()] = true
		c := compiled{Route: r, segments: split(r.Path)}
		if last := c.segments[len(c.segments)-1]; strings.HasPrefix(last, "{") && strings.HasSuffix(last, "+}") {
			c.greedy = true
		}
		t.all = append(t.all, c)
	}
	return t, nil
}

// All answers the routes in the order they were given.
func (t Routes) All() []Route {
	out := make([]Route, len(t.all))
	for i, c := range t.all {
		out[i] = c.Route
	}
	return out
}

func split(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

// match finds the most telling route: words before names, a name before the greedy rest, a method before ANY.
func (t Routes) match(method, path string) (Route, map[string]string, bool) {
	segments := split(path)
	best := -1
	for i := range t.all {
		c := &t.all[i]
		if (c.Method == method || c.Method == "ANY") && c.fits(segments) && (best < 0 || c.before(&t.all[best])) {
			best = i
		}
	}
	if best < 0 {
		return Route{}, nil, false
	}
	c := t.all[best]
	return c.Route, c.params(segments), true
}

func (c *compiled) fits(segments []string) bool {
	if c.greedy {
		if len(segments) < len(c.segments) {
			return false
		}
	} else if len(segments) != len(c.segments) {
		return false
	}
	for i, s := range c.segments {
		if strings.HasPrefix(s, "{") {
			if segments[i] == "" {
				return false
			}
		} else if s != segments[i] {
			return false
		}
	}
	return true
}

func (c *compiled) before(o *compiled) bool {
	if c.greedy != o.greedy {
		return !c.greedy
	}
	if c.greedy && len(c.segments) != len(o.segments) {
		return len(c.segments) > len(o.segments)
	}
	for i := range c.segments {
		a, b := strings.HasPrefix(c.segments[i], "{"), strings.HasPrefix(o.segments[i], "{")
		if a != b {
			return b
		}
	}
	return c.Method != "ANY" && o.Method == "ANY"
}

func (c *compiled) params(segments []string) map[string]string {
	var out map[string]string
	for i, s := range c.segments {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		name := strings.TrimSuffix(strings.Trim(s, "{}"), "+")
		out[name] = segments[i]
		if c.greedy && i == len(c.segments)-1 {
			out[name] = strings.Join(segments[i:], "/")
		}
	}
	return out
}
