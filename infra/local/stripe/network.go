package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"go.etcd.io/bbolt"

	"onebook/internal/fault"
)

// DeliverRequest says what the network does with webhooks: it repeats, reorders and loses them.
type DeliverRequest struct {
	PaymentIntent string `json:"paymentIntent"` // the events of one payment, or
	All           bool   `json:"all"`           // all of the last 30 days
	Times         int    `json:"times"`         // how often each is sent; zero: once
	Order         string `json:"order"`         // normal (empty), reversed, shuffled
	Drop          Drop   `json:"drop"`
}

// Drop says which events are lost instead of sent. Dropping all events of all payments also switches webhooks off
// from then on, and a request for all without drop switches them on.
type Drop struct {
	Every bool
	Types []string
}

// UnmarshalJSON reads true, false, one type of event or a list of them.
func (d *Drop) UnmarshalJSON(b []byte) error {
	*d = Drop{}
	if json.Unmarshal(b, &d.Every) == nil || json.Unmarshal(b, &d.Types) == nil {
		return nil
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return fmt.Errorf("drop is true, or the types of event that are lost")
	}
	d.Types = []string{one}
	return nil
}

func (d Drop) takes(kind string) bool { return d.Every || slices.Contains(d.Types, kind) }

// DeliverResult counts what was done.
type DeliverResult struct {
	Delivered int      `json:"delivered"` // acknowledged with a 2xx
	Failed    int      `json:"failed"`
	Dropped   int      `json:"dropped"` // events lost
	Trouble   []string `json:"trouble,omitempty"`
}

// Deliver sends the events of a payment, or all of them, again or for the first time, whatever became of them
// before, to every endpoint that takes them. What is acknowledged or dropped does not wait any more.
//
// It is Invalid when it is not clear what to send and NotFound for a payment without events.
func (s *Server) Deliver(ctx context.Context, r DeliverRequest) (DeliverResult, error) {
	if err := r.check(); err != nil {
		return DeliverResult{}, err
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	var out DeliverResult
	events, err := s.chosen(r)
	if err != nil {
		return out, err
	}
	var lost []string
	var sends []*event
	for range max(r.Times, 1) {
		for _, e := range events {
			if r.Drop.takes(e.Type) {
				lost = append(lost, e.ID)
			} else {
				sends = append(sends, e)
			}
		}
	}
	lost = slices.Compact(slices.Sorted(slices.Values(lost)))
	out.Dropped = len(lost)
	if err := s.forget(r, lost); err != nil {
		return out, err
	}
	switch r.Order {
	case "reversed":
		slices.Reverse(sends)
	case "shuffled":
		if err := s.shuffle(sends); err != nil {
			return out, err
		}
	}
	for _, e := range sends {
		if err := s.sendAll(ctx, e, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (r DeliverRequest) check() error {
	var bad fault.Fields
	if (r.PaymentIntent == "") == !r.All {
		bad.Add("paymentIntent", "required", "name a paymentIntent, or say all")
	}
	if r.Times < 0 || r.Times > 1000 {
		bad.Add("times", "invalid", "an event can be sent up to 1000 times")
	}
	if !slices.Contains([]string{"", "normal", "reversed", "shuffled"}, r.Order) {
		bad.Add("order", "invalid", "the orders are normal, reversed and shuffled")
	}
	return bad.Err()
}

// chosen answers the events that are meant, oldest first.
func (s *Server) chosen(r DeliverRequest) (events []*event, err error) {
	from := s.Now().Add(-eventLife).Unix()
	err = s.db.View(func(tx *bbolt.Tx) error {
		return newest(tx, (&event{}).kind(), 0, func(id string) (bool, error) {
			e := &event{}
			if _, err := load(tx, id, e); err != nil {
				return false, err
			}
			if r.All || e.Intent == r.PaymentIntent {
				events = append(events, e)
			}
			return e.Created >= from, nil
		})
	})
	if err == nil && len(events) == 0 && !r.All {
		return nil, fault.NotFound.Errorf("there are no events of a payment intent %q", r.PaymentIntent)
	}
	slices.Reverse(events)
	return events, err
}

// forget marks lost events, and turns the switch where all are meant.
func (s *Server) forget(r DeliverRequest, lost []string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if r.All && (r.Drop.Every || len(r.Drop.Types) == 0) {
			if err := setSilent(tx, r.Drop.Every); err != nil {
				return err
			}
		}
		return settleDeliveries(tx, "dropped", func(d *delivery) bool { return slices.Contains(lost, d.Event) })
	})
}

func settleDeliveries(tx *bbolt.Tx, state string, which func(*delivery) bool) error {
	var meant []*delivery
	err := eachWaiting(tx, func(d *delivery) error {
		if which(d) {
			meant = append(meant, d)
		}
		return nil
	})
	for _, d := range meant {
		d.State = state
		if err == nil {
			err = d.put(tx)
		}
	}
	return err
}

func (s *Server) sendAll(ctx context.Context, e *event, out *DeliverResult) error {
	var to []string
	err := s.db.View(func(tx *bbolt.Tx) error {
		return newest(tx, (&endpoint{}).kind(), 0, func(id string) (bool, error) {
			var p endpoint
			_, err := load(tx, id, &p)
			if p.takes(e.Type) {
				to = append(to, id)
			}
			return true, err
		})
	})
	for _, id := range to {
		if err != nil || ctx.Err() != nil {
			break
		}
		var trouble string
		if trouble, err = s.send(ctx, e.ID, id); err != nil {
			break
		}
		if trouble != "" {
			out.Failed++
			out.Trouble = append(out.Trouble, e.Type+": "+trouble)
			continue
		}
		out.Delivered++
		err = s.db.Update(func(tx *bbolt.Tx) error {
			return settleDeliveries(tx, "done", func(d *delivery) bool { return d.Event == e.ID && d.Endpoint == id })
		})
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

func (s *Server) shuffle(events []*event) error {
	b := make([]byte, 4)
	for i := len(events) - 1; i > 0; i-- {
		if _, err := io.ReadFull(s.Entropy, b); err != nil {
			return fmt.Errorf("no entropy: %w", err)
		}
		j := int(uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24) % (i + 1)
		events[i], events[j] = events[j], events[i]
	}
	return nil
}
