package stripe

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// victim says in which file the child process works; it is the test binary itself.
const victim = "STRIPE_STANDIN_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		liveUntilKilled(path)
	}
	os.Exit(m.Run())
}

// liveUntilKilled opens pages and pays them, and prints each as soon as it is acknowledged.
func liveUntilKilled(path string) {
	s, err := New(Config{Now: time.Now, Path: path, Secret: testSecret})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	h := httptest.NewServer(s)
	for i := 0; ; i++ {
		body := strings.NewReader(strings.Join(append(line11900("eur", "11900"), fmt.Sprintf("client_reference_id=py_%d", i)), "&"))
		r, _ := http.NewRequest("POST", h.URL+"/v1/checkout/sessions", body)
		r.Header.Set("Authorization", "Bearer sk_test_1")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", fmt.Sprintf("py_%d_%d", os.Getpid(), i))
		res, err := http.DefaultClient.Do(r)
		if err != nil || res.StatusCode != 200 {
			fmt.Println("failed", err, res)
			os.Exit(1)
		}
		var id string
		line, _ := bufio.NewReader(res.Body).ReadString('\n')
		if _, rest, ok := strings.Cut(line, `"id":"`); ok {
			id, _, _ = strings.Cut(rest, `"`)
		}
		res.Body.Close()
		got, err := s.Pay(r.Context(), id, PayRequest{Outcome: Success})
		if err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		fmt.Println("paid", fmt.Sprintf("py_%d", i), id, got.PaymentIntent)
	}
}

// A power cut is harder than kill -9 and cannot be played here; that every write is synced can be looked up.
func TestEveryWriteIsSynced(t *testing.T) {
	if w := newWorld(t); w.db.NoSync || w.db.NoGrowSync {
		t.Error("an acknowledged payment may be lost")
	}
}

// What was acknowledged is there after kill -9, with its events, and its webhooks are still owed.
func TestKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stripe.db")
	acknowledged := map[string][2]string{}
	for round := range 3 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), victim+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			f := strings.Fields(lines.Text())
			if len(f) != 4 || f[0] != "paid" {
				t.Fatalf("the child says %q", lines.Text())
			}
			acknowledged[fmt.Sprint(round, f[1])] = [2]string{f[2], f[3]}
			if n == 20+round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				// What the child had still written into the pipe counts too: it was acknowledged.
			}
		}
		_ = cmd.Wait()
	}
	s, err := New(Config{Now: time.Now, Path: path, Secret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := &world{Server: s, t: t, http: httptest.NewServer(s)}
	defer w.http.Close()
	for what, ids := range acknowledged {
		if cs := w.call("GET", "/v1/checkout/sessions/"+ids[0], "").body; cs["payment_status"] != "paid" || cs["payment_intent"] != ids[1] {
			t.Errorf("%s: the page %s is %v with %v", what, ids[0], cs["payment_status"], cs["payment_intent"])
		}
		if pi := w.call("GET", "/v1/payment_intents/"+ids[1], "").body; pi["status"] != "succeeded" {
			t.Errorf("%s: the payment %s is %v", what, ids[1], pi["status"])
		}
	}
	st, err := s.State()
	if err != nil || st.Events < 4*len(acknowledged) {
		t.Errorf("%d events for %d payments, %v", st.Events, len(acknowledged), err)
	}
}

// Two programs on one file would each believe to be the provider.
func TestOneFileOneProgram(t *testing.T) {
	w := newWorld(t)
	if s, err := New(Config{Now: time.Now, Path: w.path}); err == nil {
		s.Close()
		t.Error("a second one opened the file")
	}
}
