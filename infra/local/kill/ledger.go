package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// ledger is what the clients were told. What it holds must be there in the end; what contradicts it is wrong at once.
type ledger struct {
	mu      sync.Mutex
	more    *sync.Cond
	count   int                          // answered deeds
	facts   map[string]map[string]string // path → field → JSON
	intents map[string]bool              // of the provider, as paid
	over    bool                         // all lives have ended
	wrong   []string
}

func newLedger() *ledger {
	l := &ledger{facts: map[string]map[string]string{}, intents: map[string]bool{}}
	l.more = sync.NewCond(&l.mu)
	return l
}

// answered counts a deed that was answered with 2xx.
func (l *ledger) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	l.more.Broadcast()
}

// finish lets everybody go on who waits.
func (l *ledger) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.more.Broadcast()
}

// wait returns when so many deeds were answered, or there will be no more, and answers how many were.
func (l *ledger) wait(ctx context.Context, deeds int) int {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock() // or it comes between the look and the wait below
		defer l.mu.Unlock()
		l.more.Broadcast()
	})
	defer stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.count < deeds && !l.over && ctx.Err() == nil {
		l.more.Wait()
	}
	return l.count
}

// keep notes fields of a thing that are known and can never change again.
func (l *ledger) keep(path string, thing map[string]any, fields ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.facts[path] == nil {
		l.facts[path] = map[string]string{}
	}
	for _, name := range fields {
		if thing[name] == nil {
			continue
		}
		v := plain(thing[name])
		if old, ok := l.facts[path][name]; ok && old != v && name != "due" && name != "paid" && name != "status" {
			l.wrong = append(l.wrong, fmt.Sprintf("%s: %s was told as %s, and then as %s", path, name, old, v))
		}
		l.facts[path][name] = v
	}
}

// intent notes a payment that the provider has told as made.
func (l *ledger) intent(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.intents[id] = true
}

func (l *ledger) complain(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// plain is a JSON value as text that can be compared.
func plain(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
