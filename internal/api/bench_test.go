package api

import (
	"context"
	"testing"
)

// BenchmarkFirstRequest is what a cold function pays: one new API, its routes, and one request.
func BenchmarkFirstRequest(b *testing.B) {
	e := event("POST", "/v1/measure", bodyA, "owner")
	for b.Loop() {
		if out, _ := Handler(newShop().api())(context.Background(), e); out.StatusCode != 200 {
			b.Fatal(out.Body)
		}
	}
}

// BenchmarkRequest is one warm POST with a small body, from event to answer.
func BenchmarkRequest(b *testing.B) {
	serve := Handler(newShop().api())
	e := event("POST", "/v1/measure", `{"name":"n","price":"1.00","lines":[{"quantity":"1","unitPrice":"2.00","tax":{"category":"S","rate":"19"}}]}`, "owner")
	for b.Loop() {
		if out, _ := serve(context.Background(), e); out.StatusCode != 200 {
			b.Fatal(out.Body)
		}
	}
}
