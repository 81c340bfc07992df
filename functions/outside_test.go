package functions_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"onebook/infra/local/mailbox"
	"onebook/infra/local/objects"
	"onebook/infra/local/stripe"
)

// stripeHost is where the payment provider is. It stands in no environment, so binaries reach its stand-in by its own
// name: through a proxy that answers for it under a certificate that they are told to trust.
const stripeHost = "api.stripe.com"

// hooked is a webhook that the payment provider has sent.
type hooked struct{ body, signature string }

// outside is everything that a function talks to, except its table.
type outside struct {
	url     string // of the services of AWS: /s3, /ses, /secrets, /cognito
	mail    *mailbox.Mailbox
	stripe  *stripe.Server
	proxy   string
	trusted string // file with the proxy's certificate

	mu       sync.Mutex
	webhooks []hooked
	invited  map[string]string // address → subject
}

// newOutside starts the stand-ins. Whoever signs in under an invitation is the subject of the samples. A call to any
// other machine fails the test.
func newOutside(t *testing.T, now func() time.Time, subject string) *outside {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "outside.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, db)
	o := &outside{invited: map[string]string{}}
	if o.mail, err = mailbox.Open(db, now); err != nil {
		t.Fatal(err)
	}
	documents, err := objects.Open(db, objects.Access{KeyID: "local", Secret: "local"}, time.Now, bucket)
	if err != nil {
		t.Fatal(err)
	}
	o.stripe, err = stripe.New(stripe.Config{
		Now: now, Path: filepath.Join(t.TempDir(), "stripe.db"), Base: "https://checkout.example", Keys: []string{stripeKey, portalKey},
		Secret: webhookSecret, WebhookURL: site + "/hooks/stripe", Deliver: func(_ context.Context, payload []byte, signature string) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.webhooks = append(o.webhooks, hooked{string(payload), signature})
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, o.stripe)
	mux := http.NewServeMux()
	mux.Handle("/s3/", http.StripPrefix("/s3", documents))
	mux.Handle("/ses/", http.StripPrefix("/ses", o.mail.Service()))
	mux.Handle("/stripe/", http.StripPrefix("/stripe", o.stripe))
	mux.HandleFunc("POST /secrets", o.secret)
	mux.HandleFunc("POST /cognito", func(w http.ResponseWriter, r *http.Request) { o.cognito(w, r, subject) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o.url = server.URL
	o.serveProxy(t)
	return o
}

func closing(t *testing.T, c io.Closer) {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// env is an environment with the addresses of the stand-ins, under the names that the SDKs of AWS read them from.
func (o *outside) env(own map[string]string, dynamodb string) map[string]string {
	out := map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": dynamodb, "AWS_ENDPOINT_URL_S3": o.url + "/s3", "AWS_ENDPOINT_URL_SESV2": o.url + "/ses",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": o.url + "/secrets", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": o.url + "/cognito",
		"HTTPS_PROXY": o.proxy, "HTTP_PROXY": o.proxy, "SSL_CERT_FILE": o.trusted, "SSL_CERT_DIR": filepath.Dir(o.trusted),
	}
	for k, v := range own {
		out[k] = v
	}
	return out
}

// secret plays the secrets manager.
func (o *outside) secret(w http.ResponseWriter, r *http.Request) {
	var in struct{ SecretId string }
	if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || json.NewDecoder(r.Body).Decode(&in) != nil {
		refuse(w, "InvalidRequestException")
		return
	}
	value, ok := secrets[in.SecretId]
	if !ok {
		refuse(w, "ResourceNotFoundException")
		return
	}
	answer(w, map[string]any{"ARN": in.SecretId, "Name": in.SecretId, "SecretString": value})
}

// cognito plays the user pool: an address has one sign-in, whatever is asked and how often.
func (o *outside) cognito(w http.ResponseWriter, r *http.Request, subject string) {
	var in struct{ UserPoolId, Username string }
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.UserPoolId != poolID {
		refuse(w, "InvalidParameterException")
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	attributes := func(sub string) []map[string]string {
		return []map[string]string{{"Name": "sub", "Value": sub}, {"Name": "email", "Value": in.Username}}
	}
	sub, known := o.invited[in.Username]
	switch target := r.Header.Get("X-Amz-Target"); {
	case target == "AWSCognitoIdentityProviderService.AdminCreateUser" && known:
		refuse(w, "UsernameExistsException")
	case target == "AWSCognitoIdentityProviderService.AdminCreateUser":
		o.invited[in.Username] = subject
		answer(w, map[string]any{"User": map[string]any{"Username": in.Username, "Attributes": attributes(subject), "Enabled": true}})
	case target == "AWSCognitoIdentityProviderService.AdminGetUser" && known:
		answer(w, map[string]any{"Username": in.Username, "UserAttributes": attributes(sub), "Enabled": true})
	default:
		refuse(w, "UserNotFoundException")
	}
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, kind string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": "the stand-in refuses"})
}

// sent answers the webhooks since the last call.
func (o *outside) sent() []hooked {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.webhooks
	o.webhooks = nil
	return out
}

// serveProxy lets connections to the payment provider end at its stand-in, and no other pass.
func (o *outside) serveProxy(t *testing.T) {
	t.Helper()
	cert, file := certificate(t)
	o.trusted = file
	tunnels := make(chan net.Conn)
	listener := &given{conns: tunnels, done: make(chan struct{})}
	end := &http.Server{Handler: o.stripe, ReadHeaderTimeout: time.Minute}
	go end.Serve(listener)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != stripeHost+":443" {
			t.Errorf("a function calls %s %s", r.Method, r.Host)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
			return
		}
		tunnels <- tls.Server(&readAhead{conn, buffered.Reader}, &tls.Config{Certificates: []tls.Certificate{cert}})
	}))
	o.proxy = proxy.URL
	t.Cleanup(func() {
		proxy.Close()
		if err := end.Close(); err != nil {
			t.Error(err)
		}
	})
}

// readAhead is a connection of which something was read already.
type readAhead struct {
	net.Conn
	r *bufio.Reader
}

func (c *readAhead) Read(b []byte) (int, error) { return c.r.Read(b) }

// given is a listener that answers connections that were made elsewhere.
type given struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (g *given) Accept() (net.Conn, error) {
	select {
	case c := <-g.conns:
		return c, nil
	case <-g.done:
		return nil, net.ErrClosed
	}
}

func (g *given) Close() error   { g.once.Do(func() { close(g.done) }); return nil }
func (g *given) Addr() net.Addr { return &net.TCPAddr{} }

// certificate makes one for the payment provider's name, and a file to trust it by.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: stripeHost}, DNSNames: []string{stripeHost}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trusted.pem")
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// letter waits for nothing: it answers the newest mail to an address, which must be there.
func (o *outside) letter(t *testing.T, to string) mailbox.Mail {
	t.Helper()
	got, err := o.mail.List(1, func(m mailbox.Mail) bool { return m.To == to })
	if err != nil || len(got) != 1 {
		t.Fatalf("no letter to %s: %v", to, err)
	}
	return got[0]
}

// token is what stands behind # in the first link of a letter to a document.
func token(t *testing.T, m mailbox.Mail) string {
	t.Helper()
	for _, l := range m.Links {
		if rest, ok := strings.CutPrefix(l, site+"/i/#"); ok {
			return rest
		}
	}
	t.Fatalf("the letter links %v", m.Links)
	return ""
}
