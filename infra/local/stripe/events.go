package stripe

import (
	"encoding/json"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// eventLife is how long Stripe lists an event.
const eventLife = 30 * 24 * time.Hour

// event keeps its text: a snapshot never changes, and every delivery sends the same bytes.
type event struct {
	object
	Type   string          `json:"type"`
	Intent string          `json:"intent"` // the payment it belongs to
	Text   json.RawMessage `json:"text"`
}

func (*event) kind() string { return "event" }

// emit stores an event about a rendered object and one delivery to every endpoint that wants it.
func (s *Server) emit(tx *bbolt.Tx, kind string, snapshot map[string]any, intent string, now time.Time, because cause) error {
	id, err := s.newID("evt_1", 23)
	if err != nil {
		return err
	}
	var to []string
	err = newest(tx, (&endpoint{}).kind(), 0, func(id string) (bool, error) {
		var e endpoint
		if _, err := load(tx, id, &e); err != nil {
			return false, err
		}
		if e.takes(kind) {
			to = append(to, id)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	e := &event{object: object{ID: id, Created: now.Unix()}, Type: kind, Intent: intent}
	e.Text, err = json.Marshal(map[string]any{
		"id": id, "object": "event", "api_version": Version, "created": now.Unix(), "livemode": false, "type": kind,
		"data": map[string]any{"object": snapshot}, "pending_webhooks": len(to),
		"request": map[string]any{"id": text(because.Request), "idempotency_key": text(because.Key)},
	})
	if err != nil {
		return err
	}
	if err := add(tx, e); err != nil {
		return err
	}
	for _, endpoint := range to {
		if err := queue(tx, id, endpoint, now); err != nil {
			return err
		}
	}
	return nil
}

var eventListParams = slices.Concat([]string{"type", "types[#]"}, pageParams, spanNames)

func (s *Server) listEvents(c *call) (deed, *apiError) {
	when, e := c.form.span()
	if e != nil {
		return nil, e
	}
	page, e := readPage(c.form)
	if e != nil {
		return nil, e
	}
	types := c.form.list("types")
	if t := c.form.text("type"); t != "" {
		types = append(types, t)
	}
	when.from = max(when.from, c.now.Add(-eventLife).Unix())
	return func(tx *bbolt.Tx) (map[string]any, error) {
		return list(tx, page, "/v1/events", func(id string) (map[string]any, bool, error) {
			var ev event
			if _, err := load(tx, id, &ev); err != nil {
				return nil, false, err
			}
			if ev.Created < when.from {
				return nil, false, nil
			}
			if ev.Created > when.to || len(types) > 0 && !slices.Contains(types, ev.Type) {
				return nil, true, nil
			}
			out, err := ev.render()
			return out, true, err
		}, &event{})
	}, nil
}

func (s *Server) getEvent(c *call) (deed, *apiError) {
	return func(tx *bbolt.Tx) (map[string]any, error) {
		var ev event
		ok, err := load(tx, c.id, &ev)
		if err != nil || !ok || ev.Created < c.now.Add(-eventLife).Unix() {
			return nil, orNoSuch(err, "event", c.id, "id")
		}
		return ev.render()
	}, nil
}

func (e *event) render() (out map[string]any, err error) {
	err = json.Unmarshal(e.Text, &out)
	return out, err
}
