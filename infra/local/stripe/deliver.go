package stripe

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.etcd.io/bbolt"
)

// silent is the setting under which no webhook goes out by itself.
var silent = []byte("silent")

// delivery is one event on its way to one endpoint.
type delivery struct {
	Event    string `json:"event"`
	Endpoint string `json:"endpoint"`
	First    int64  `json:"first"`
	Next     int64  `json:"next"` // when it is tried; never: given up, but kept
	Tries    int    `json:"tries"`
	State    string `json:"state"` // waiting, done, dropped
	Trouble  string `json:"trouble,omitempty"`

	number uint64
}

const never = 1 << 60

// The waits between tries. Stripe goes on for three days, with growing waits, and then gives up; here a webhook
// that was given up stays, and Redeliver sends it.
var waits = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour}

const (
	lastWait = 12 * time.Hour
	giveUp   = 72 * time.Hour
	patience = 20 * time.Second // Stripe's own, for an answer
)

func queue(tx *bbolt.Tx, event, endpoint string, now time.Time) error {
	n, err := tx.Bucket(deliveries).NextSequence()
	if err != nil {
		return err
	}
	d := delivery{Event: event, Endpoint: endpoint, First: now.Unix(), Next: now.Unix(), State: "waiting", number: n}
	return d.put(tx)
}

func (d *delivery) put(tx *bbolt.Tx) error {
	v, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := tx.Bucket(deliveries).Put(number(d.number), v); err != nil {
		return err
	}
	if d.State == "waiting" {
		return tx.Bucket(waiting).Put(number(d.number), nil)
	}
	return tx.Bucket(waiting).Delete(number(d.number))
}

// eachWaiting shows the deliveries that are not done, in the order of their events. f must not write.
func eachWaiting(tx *bbolt.Tx, f func(*delivery) error) error {
	return tx.Bucket(waiting).ForEach(func(k, _ []byte) error {
		d := &delivery{number: binary.BigEndian.Uint64(k)}
		if err := json.Unmarshal(tx.Bucket(deliveries).Get(k), d); err != nil {
			return fmt.Errorf("stored delivery: %w", err)
		}
		return f(d)
	})
}

// dispatch sends every webhook that is due, those that follow from it too, each once.
func (s *Server) dispatch(ctx context.Context) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	for {
		due, err := s.due()
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := s.try(ctx, d); err != nil {
				return err
			}
		}
	}
}

func (s *Server) due() (due []*delivery, err error) {
	now := s.Now().Unix()
	err = s.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(settings).Get(silent) != nil {
			return nil
		}
		return eachWaiting(tx, func(d *delivery) error {
			if d.Next <= now {
				due = append(due, d)
			}
			return nil
		})
	})
	return due, err
}

// try sends one webhook and keeps what came of it. Killed in between, it is sent again: at least once, as Stripe.
func (s *Server) try(ctx context.Context, d *delivery) error {
	trouble, err := s.send(ctx, d.Event, d.Endpoint)
	if err != nil {
		return err
	}
	if ctx.Err() != nil && trouble != "" {
		return ctx.Err() // broken off by us, which says nothing about the endpoint
	}
	if trouble != "" {
		s.Log.Warn("a webhook was not taken and will be sent again", "event", d.Event, "endpoint", d.Endpoint, "why", trouble)
	}
	d.Tries++
	now := s.Now()
	switch {
	case trouble == "":
		d.State, d.Trouble = "done", ""
	case now.Sub(time.Unix(d.First, 0)) >= giveUp:
		d.Next, d.Trouble = never, trouble
	default:
		wait := lastWait
		if d.Tries <= len(waits) {
			wait = waits[d.Tries-1]
		}
		d.Next, d.Trouble = now.Add(wait).Unix(), trouble
	}
	return s.db.Update(d.put)
}

// send makes one attempt. trouble says what the other side did wrong; err is our own failure.
func (s *Server) send(ctx context.Context, eventID, endpointID string) (trouble string, err error) {
	var ev event
	var to endpoint
	err = s.db.View(func(tx *bbolt.Tx) error {
		if _, err := load(tx, eventID, &ev); err != nil {
			return err
		}
		_, err := load(tx, endpointID, &to)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case to.Disabled || to.Deleted:
		return "the endpoint is switched off", nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	signature := Sign(ev.Text, to.Secret, s.Now())
	deliver := s.Config.Deliver
	if endpointID != own || deliver == nil {
		deliver = func(ctx context.Context, payload []byte, signature string) error {
			return s.post(ctx, to.URL, payload, signature)
		}
	}
	if err := deliver(ctx, bytes.Clone(ev.Text), signature); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

func (s *Server) post(ctx context.Context, url string, payload []byte, signature string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Stripe-Signature", signature)
	res, err := s.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the endpoint answered %s", res.Status)
	}
	return nil
}

// Sign makes the value of Stripe-Signature for a payload sent at a moment.
func Sign(payload []byte, secret string, at time.Time) string {
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "%d.", at.Unix())
	m.Write(payload)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(m.Sum(nil)))
}

// Webhooks switches webhooks on or off. While they are off events happen and can be listed, but nothing is sent by
// itself; what was not sent waits and goes out when they are on again.
func (s *Server) Webhooks(on bool) error {
	err := s.db.Update(func(tx *bbolt.Tx) error { return setSilent(tx, !on) })
	s.awake()
	return err
}

func setSilent(tx *bbolt.Tx, off bool) error {
	if off {
		return tx.Bucket(settings).Put(silent, []byte{1})
	}
	return tx.Bucket(settings).Delete(silent)
}

// Redeliver sends everything that waits now, also what was given up.
func (s *Server) Redeliver(ctx context.Context) error {
	now := s.Now().Unix()
	err := s.db.Update(func(tx *bbolt.Tx) error {
		var late []*delivery
		err := eachWaiting(tx, func(d *delivery) error {
			if d.Next > now {
				late = append(late, d)
			}
			return nil
		})
		for _, d := range late {
			d.Next = now
			if err == nil {
				err = d.put(tx)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.dispatch(ctx)
}

// State is what the stand-in is about, for people and tests.
type State struct {
	Webhooks bool   `json:"webhooks"` // whether they go out by themselves
	Waiting  int    `json:"waiting"`  // not delivered yet
	Trouble  string `json:"trouble,omitempty"`
	Events   int    `json:"events"`
}

// State answers how many events there are and how many deliveries wait, with the last trouble of one.
func (s *Server) State() (State, error) {
	var out State
	err := s.db.View(func(tx *bbolt.Tx) error {
		out.Webhooks = tx.Bucket(settings).Get(silent) == nil
		if err := newest(tx, (&event{}).kind(), 0, func(string) (bool, error) { out.Events++; return true, nil }); err != nil {
			return err
		}
		return eachWaiting(tx, func(d *delivery) error {
			out.Waiting++
			if d.Trouble != "" {
				out.Trouble = d.Trouble
			}
			return nil
		})
	})
	return out, err
}
