package api

import (
	"sync"
	"testing"

	"onebook/internal/fault"
)

const (
	bodyA     = `{"name":"n","price":"1.00"}`
	bodyAgain = ` {"price":"1.00", "name":"\u006e"} ` // the same request, written anew
	bodyB     = `{"name":"n","price":"2.00"}`
)

func TestARepeatedPostDoesNothingAgainAndShowsTheThingAsItIs(t *testing.T) {
	s := open(t)
	first := s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k1").want(t, 201, "")
	if first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the first answer says that it was replayed")
	}
	s.call("POST", "/v1/widgets/wi_2/paint", "").want(t, 200, "")
	again := s.call("POST", "/v1/widgets", bodyAgain, "Idempotency-Key", "k1").want(t, 201, "")
	if again.header.Get("Idempotency-Replayed") != "true" || again.json["id"] != first.json["id"] || again.json["state"] != "painted" {
		t.Errorf("%v %s", again.header, again.body)
	}
	if again.header.Get("ETag") != `"1.2"` {
		t.Errorf("tag %s", again.header.Get("ETag"))
	}
	if s.deeds != 2 || len(s.seen) != 2 {
		t.Errorf("%d deeds, %d tries, want the creation and the painting", s.deeds, len(s.seen))
	}
}

func TestTheSameKeyForAnotherRequestIsRefused(t *testing.T) {
	s := open(t)
	s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k1").want(t, 201, "")
	s.call("POST", "/v1/widgets", bodyB, "Idempotency-Key", "k1").want(t, 422, "idempotency_mismatch")
	// The same route on another thing is another request.
	s.call("POST", "/v1/widgets/wi_1/paint", "", "Idempotency-Key", "k2").want(t, 200, "")
	s.call("POST", "/v1/widgets/wi_2/paint", "", "Idempotency-Key", "k2").want(t, 422, "idempotency_mismatch")
	s.call("POST", "/v1/widgets/wi_1/paint", "{}", "Idempotency-Key", "k2").want(t, 200, "")
	s.call("POST", "/v1/widgets/wi_1/paint?quick=true", "", "Idempotency-Key", "k2").want(t, 422, "idempotency_mismatch")
	if s.deeds != 2 {
		t.Errorf("%d deeds", s.deeds)
	}
}

func TestAKeyBelongsToOneCallerAndOneRoute(t *testing.T) {
	s := open(t)
	s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k").want(t, 201, "")
	s.call("POST", "/v1/widgets/wi_1/paint", "", "Idempotency-Key", "k").want(t, 200, "")
	s.role = "billing"
	r := s.call("POST", "/v1/widgets", `{"name":"other","price":"1"}`, "Idempotency-Key", "k").want(t, 201, "")
	if r.header.Get("Idempotency-Replayed") != "" || s.deeds != 3 {
		t.Errorf("%d deeds, %v", s.deeds, r.header)
	}
}

// The reference of a link is renewed every half hour; a client that tries again has a new one.
func TestALinkKeepsItsKeysWhenItsReferenceIsRenewed(t *testing.T) {
	s := open(t)
	s.role = ""
	s.call("POST", "/v1/public/widgets/ref-a/wish", `{"coats":2}`, "Idempotency-Key", "k").want(t, 200, "")
	r := s.call("POST", "/v1/public/widgets/ref-b/wish", `{"coats":2}`, "Idempotency-Key", "k").want(t, 200, "")
	if r.header.Get("Idempotency-Replayed") != "true" || s.deeds != 1 {
		t.Errorf("%d deeds, %v", s.deeds, r.header)
	}
	s.call("POST", "/v1/public/widgets/ref-a/wish", `{"coats":3}`, "Idempotency-Key", "k").want(t, 422, "idempotency_mismatch")
}

func TestFailuresAreNotKept(t *testing.T) {
	s := open(t)
	s.call("POST", "/v1/widgets", `{"name":"first","price":"1"}`, "Idempotency-Key", "k").want(t, 409, "exists")
	delete(s.widgets, "wi_1")
	s.call("POST", "/v1/widgets", `{"name":"first","price":"1"}`, "Idempotency-Key", "k").want(t, 201, "")
	s.call("POST", "/v1/widgets", `{"name":1}`, "Idempotency-Key", "k2").want(t, 422, "invalid")
	s.call("POST", "/v1/widgets", `{"name":"x","price":"1"}`, "Idempotency-Key", "k2").want(t, 201, "")
}

func TestFiftyAtOnceWithOneKeyAreOneDeed(t *testing.T) {
	s := open(t)
	var gate sync.WaitGroup
	gate.Add(50)
	s.before = func() { gate.Done(); gate.Wait() } // all have looked the key up before any of them acts
	var done sync.WaitGroup
	replies := make([]reply, 50)
	for i := range replies {
		done.Add(1)
		go func() {
			defer done.Done()
			replies[i] = s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k")
		}()
	}
	done.Wait()
	replayed := 0
	for _, r := range replies {
		r.want(t, 201, "")
		if r.json["id"] != "wi_2" {
			t.Errorf("got %s", r.body)
		}
		if r.header.Get("Idempotency-Replayed") == "true" {
			replayed++
		}
	}
	if s.deeds != 1 || replayed != 49 {
		t.Errorf("%d deeds, %d replayed", s.deeds, replayed)
	}
}

func TestTheLoserOfARaceWithAnotherBodyIsToldSo(t *testing.T) {
	s := open(t)
	raced := false
	s.before = func() {
		if !raced {
			raced = true
			s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k").want(t, 201, "")
		}
	}
	s.call("POST", "/v1/widgets", bodyB, "Idempotency-Key", "k").want(t, 422, "idempotency_mismatch")
}

// A repetition may trip over what the first request did before it meets the claim: the name is taken, by itself.
func TestTheLoserOfARaceGetsTheAnswerWhateverStoppedIt(t *testing.T) {
	for _, wrong := range []error{
		fault.Exists.Errorf("there is a widget of that name"), fault.Unready.Errorf("it is done"), fault.Busy.Errorf("later"), fault.Stale.Errorf("it moved"),
	} {
		s := open(t)
		raced := false
		s.before = func() {
			if !raced {
				raced = true
				s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k").want(t, 201, "")
				s.wrong = wrong
			}
		}
		r := s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k").want(t, 201, "")
		if r.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%v: %v", wrong, r.header)
		}
	}
}

func TestKeysHaveOneTo255PrintableCharacters(t *testing.T) {
	s := open(t)
	long := make([]byte, 255)
	for i := range long {
		long[i] = 'x'
	}
	for _, key := range []string{"", " ", string(long) + "x", "tab\there", "é", "a\x00"} {
		for _, path := range []string{"/v1/widgets", "/v1/measure"} {
			if r := s.call("POST", path, bodyA, "Idempotency-Key", key).want(t, 422, "invalid"); r.fields() != "Idempotency-Key:format" {
				t.Error(r.body)
			}
		}
	}
	s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", string(long)).want(t, 201, "")
	s.call("POST", "/v1/measure", bodyA, "Idempotency-Key", "a b~!").want(t, 200, "")
}

func TestAnAPIThatCannotKeepKeysRefusesThem(t *testing.T) {
	s := open(t)
	a := s.api()
	a.Once = nil
	s.serve = Handler(a)
	s.call("POST", "/v1/widgets", bodyA, "Idempotency-Key", "k").want(t, 500, "internal")
	if s.deeds != 0 {
		t.Error("done without a claim")
	}
}
