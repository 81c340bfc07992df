package main

import (
	"sync"
	"time"
)

// grace is how long requests that are under way may take to end.
const grace = 10 * time.Second

// gate counts the requests inside, so that a reset or the end can wait for them. Calls that functions make to the
// stand-ins do not pass it: they belong to a request that did.
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{}
}

// enter reports whether the gate is open, and then counts one more.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// close lets nobody in any more and waits, at most for patience, until everybody has left.
func (g *gate) close(patience time.Duration) {
	g.mu.Lock()
	g.closed = true
	var empty chan struct{}
	if g.inside > 0 {
		if g.empty == nil {
			g.empty = make(chan struct{})
		}
		empty = g.empty
	}
	g.mu.Unlock()
	if empty != nil {
		select {
		case <-empty:
		case <-time.After(patience):
		}
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}
