package stripe

import (
	"net/url"
	"regexp"
	"slices"

	"go.etcd.io/bbolt"
)

// endpoint is a place that webhooks go to.
type endpoint struct {
	object
	URL         string            `json:"url"`
	Secret      string            `json:"secret"`
	Events      []string          `json:"events"`
	Description string            `json:"description"`
	Metadata    map[string]string `json:"metadata"`
	Disabled    bool              `json:"disabled"`
	Deleted     bool              `json:"deleted"`
}

func (*endpoint) kind() string { return "webhook_endpoint" }

func (e *endpoint) takes(event string) bool {
	return !e.Disabled && !e.Deleted && (slices.Contains(e.Events, "*") || slices.Contains(e.Events, event))
}

// own is the endpoint that is configured rather than made by the API.
const own = "we_1own"

// ownEndpoint brings the configured endpoint up to date with the configuration of this start.
func (s *Server) ownEndpoint(tx *bbolt.Tx) error {
	e := &endpoint{}
	ok, err := load(tx, own, e)
	if err != nil {
		return err
	}
	e.object.ID = own
	e.URL, e.Secret, e.Events, e.Disabled = s.WebhookURL, s.Secret, []string{"*"}, s.Secret == ""
	if ok {
		return put(tx, e)
	}
	e.Created = s.Now().Unix()
	return add(tx, e)
}

var (
	endpointParams       = []string{"url", "enabled_events[#]", "api_version", "description", "metadata[*]"}
	endpointUpdateParams = []string{"url", "enabled_events[#]", "description", "disabled", "metadata[*]"}
	eventName            = regexp.MustCompile(`^(\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$`)
)

func (e *endpoint) read(f form) *apiError {
	if f.has("url") {
		e.URL = f.text("url")
	}
	if u, err := url.Parse(e.URL); err != nil || u.Host == "" {
		return invalid("url_invalid", "url", "Not a valid URL: %s", e.URL)
	}
	if events := f.list("enabled_events"); len(events) > 0 {
		e.Events = events
	}
	if len(e.Events) == 0 {
		return missing("enabled_events")
	}
	for _, name := range e.Events {
		if !eventName.MatchString(name) {
			return invalid("", "enabled_events", "Invalid enabled_events: %s is no event.", name)
		}
	}
	if f.has("description") {
		e.Description = f.text("description")
	}
	m, bad := f.pairs("metadata")
	if bad != nil {
		return bad
	}
	if len(m) > 0 {
		e.Metadata = m
	}
	return nil
}

func (s *Server) createEndpoint(c *call) (deed, *apiError) {
	e := &endpoint{}
	if bad := e.read(c.form); bad != nil {
		return nil, bad
	}
	if v := c.form.text("api_version"); v != "" && v != Version {
		return nil, invalid("", "api_version", "This stand-in renders events in %s only, not %s.", Version, v)
	}
	return func(tx *bbolt.Tx) (map[string]any, error) {
		var err error
		if e.ID, err = s.newID("we_1", 23); err != nil {
			return nil, err
		}
		if e.Secret, err = s.newID("whsec_", 32); err != nil {
			return nil, err
		}
		e.Created = c.now.Unix()
		out := e.render()
		out["secret"] = e.Secret // told this once
		return out, add(tx, e)
	}, nil
}

func (s *Server) withEndpoint(c *call, f func(tx *bbolt.Tx, e *endpoint) (map[string]any, error)) deed {
	return func(tx *bbolt.Tx) (map[string]any, error) {
		e := &endpoint{}
		if ok, err := load(tx, c.id, e); err != nil || !ok || e.Deleted {
			return nil, orNoSuch(err, "webhook endpoint", c.id, "webhook_endpoint")
		}
		return f(tx, e)
	}
}

func (s *Server) getEndpoint(c *call) (deed, *apiError) {
	return s.withEndpoint(c, func(_ *bbolt.Tx, e *endpoint) (map[string]any, error) { return e.render(), nil }), nil
}

func (s *Server) updateEndpoint(c *call) (deed, *apiError) {
	return s.withEndpoint(c, func(tx *bbolt.Tx, e *endpoint) (map[string]any, error) {
		if bad := e.read(c.form); bad != nil {
			return nil, bad
		}
		if c.form.has("disabled") {
			e.Disabled = c.form.text("disabled") == "true"
		}
		return e.render(), put(tx, e)
	}), nil
}

func (s *Server) deleteEndpoint(c *call) (deed, *apiError) {
	return s.withEndpoint(c, func(tx *bbolt.Tx, e *endpoint) (map[string]any, error) {
		e.Deleted = true
		return map[string]any{"id": e.ID, "object": "webhook_endpoint", "deleted": true}, put(tx, e)
	}), nil
}

func (s *Server) listEndpoints(c *call) (deed, *apiError) {
	page, e := readPage(c.form)
	if e != nil {
		return nil, e
	}
	return func(tx *bbolt.Tx) (map[string]any, error) {
		return list(tx, page, "/v1/webhook_endpoints", func(id string) (map[string]any, bool, error) {
			e := &endpoint{}
			if _, err := load(tx, id, e); err != nil || e.Deleted {
				return nil, true, err
			}
			return e.render(), true, nil
		}, &endpoint{})
	}, nil
}

func (e *endpoint) render() map[string]any {
	status := "enabled"
	if e.Disabled {
		status = "disabled"
	}
	return map[string]any{
		"id": e.ID, "object": "webhook_endpoint", "created": e.Created, "livemode": false, "status": status, "url": e.URL,
		"enabled_events": e.Events, "api_version": Version, "description": text(e.Description), "metadata": pairs(e.Metadata), "application": nil,
	}
}
