package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"onebook/infra/local/clock"
	"onebook/infra/local/faults"
	"onebook/infra/local/gateway"
	"onebook/infra/local/invoke"
	"onebook/infra/local/issuer"
	"onebook/infra/local/mailbox"
	"onebook/infra/local/objects"
	"onebook/infra/local/rights"
	"onebook/infra/local/schedule"
	"onebook/infra/local/stream"
	"onebook/infra/local/stripe"
	"onebook/internal/s3blob"
	"onebook/internal/store"
)

// Where the stand-ins live on the one address.
const (
	pathS3     = "/_local/s3"
	pathSES    = "/_local/ses"
	pathStripe = stripe.Prefix
)

// The files of a data folder. The first is held open by the program that uses the folder, and so locks it.
const (
	fileState   = "local.db"
	fileRecord  = "record.db"
	fileObjects = "objects.db"
	fileStripe  = "stripe.db"
)

// The names of the one app that signs in, and of the region that signatures are made for.
const (
	clientID = "local-app"
	region   = "us-east-1"
)

var access = objects.Access{KeyID: "local", Secret: "local"}

// Options say how the program is started.
type Options struct {
	Data       string
	Begin      time.Time // -now; zero goes on
	Web        string    // folder of the app, or empty
	Base       string
	Deployment Deployment
	Build      Build
	Log        *slog.Logger
}

// Program is the whole product on one machine. Make it with Open, end it with Close.
type Program struct {
	Options
	state  *bbolt.DB
	faults faults.Faults
	gate   gate

	mu  sync.RWMutex // guards run, which a reset replaces
	run *run
}

// run is everything between two resets.
type run struct {
	clock     *clock.Clock
	issuer    *issuer.Server
	record    *store.Embedded
	blobs     *bbolt.DB
	objects   *objects.Server
	rights    *rights.Book
	mailbox   *mailbox.Mailbox
	stripe    *stripe.Server
	secrets   secrets
	follower  *stream.Follower
	schedules *schedule.Runner
	functions *invoke.Functions
	mux       *http.ServeMux // the controls
	gateway   *gateway.Gateway
	seed      func(context.Context) error
	stop      context.CancelFunc
	loops     sync.WaitGroup
}

// Open makes the data folder ready. Serve the Program next, since the product calls its stand-ins over HTTP, and
// then call Start.
func Open(o Options) (*Program, error) {
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w", o.Data, err)
	}
	state, err := bbolt.Open(filepath.Join(o.Data, fileState), 0o600, &bbolt.Options{Timeout: time.Nanosecond})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("another program uses the data folder %s; stop it, or choose another folder with -data", o.Data)
	case err != nil:
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", o.Data, err)
	}
	p := &Program{Options: o, state: state}
	if err := p.open(); err != nil {
		return nil, errors.Join(err, state.Close())
	}
	return p, nil
}

// open builds a run on what the folder holds.
func (p *Program) open() (err error) {
	r := &run{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := p.outside(r); err != nil {
		return err
	}
	r.rights = rights.New(p.Deployment.Policies)
	r.objects.Allow = p.allow(r.rights)
	product, err := p.Build(Parts{
		Base: p.Base, Now: r.clock.Now, Table: p.faults.Table(r.rights.Table(r.record, tableResource)),
		HTTP:        &http.Client{Transport: p.faults.Transport(r.rights.Transport(http.DefaultTransport, guarded), point)},
		Credentials: credentials, Region: region,
		S3: p.Base + pathS3, SES: p.Base + pathSES, Stripe: p.Base + pathStripe,
		Secret: r.secret, Env: p.Deployment.Env, Log: p.Log,
	})
	if err != nil {
		return fmt.Errorf("the product cannot be started: %w", err)
	}
	if err := p.inside(r, product); err != nil {
		return err
	}
	p.mu.Lock()
	p.run = r
	p.mu.Unlock()
	return nil
}

// outside opens what the product stands on.
func (p *Program) outside(r *run) error {
	var err error
	if r.clock, err = clock.Open(p.Data, p.Begin, time.Now); err != nil {
		return err
	}
	tokens, err := issuer.Open(p.Data, p.Base, clientID, time.Now)
	if err != nil {
		return err
	}
	r.issuer = &issuer.Server{Issuer: tokens}
	if r.record, err = store.OpenEmbedded(filepath.Join(p.Data, fileRecord), r.clock.Now); err != nil {
		return err
	}
	r.record.Disturb = p.faults.Disturb
	if r.blobs, err = bbolt.Open(filepath.Join(p.Data, fileObjects), 0o600, &bbolt.Options{Timeout: time.Second}); err != nil {
		return fmt.Errorf("the documents: %w", err)
	}
	if r.objects, err = objects.Open(r.blobs, access, time.Now, slices.Sorted(maps.Keys(p.Deployment.Buckets))...); err != nil {
		return err
	}
	if r.mailbox, err = mailbox.Open(p.state, r.clock.Now); err != nil {
		return err
	}
	r.mailbox.Log = p.Log
	if r.secrets, err = openSecrets(p.Data); err != nil {
		return err
	}
	r.stripe, err = stripe.New(stripe.Config{Now: r.clock.Now, Path: filepath.Join(p.Data, fileStripe), Base: p.Base,
		Keys: []string{stripeKey, stripePortalKey}, Secret: r.secrets[secretWebhook], WebhookURL: p.Base + "/hooks/stripe"})
	return err
}

// inside puts the functions behind their doors.
func (p *Program) inside(r *run, product Product) error {
	r.functions = &invoke.Functions{ByName: map[string]invoke.Function{}, Around: p.faults.Around}
	for name, h := range product.Functions {
		r.functions.ByName[name] = invoke.Function{Handler: h, Timeout: p.Deployment.Timeouts[name]}
	}
	routes, err := gateway.NewRoutes(p.Deployment.Routes)
	if err != nil {
		return fmt.Errorf("the template: %w", err)
	}
	for _, name := range p.Deployment.names() {
		if product.Functions[name] == nil {
			return fmt.Errorf("the template names the function %s, which nothing is built for", name)
		}
	}
	r.gateway = &gateway.Gateway{Routes: routes, CORS: p.Deployment.CORS, Invoke: r.functions.Invoke, Now: time.Now, Log: p.Log,
		Authorizer: &gateway.Authorizer{Issuer: r.issuer.URL, Audience: []string{clientID}, Key: r.issuer.Key}}
	if r.follower, err = stream.New(p.state, r.record, p.Deployment.Streams); err != nil {
		return err
	}
	r.follower.Invoke, r.follower.Log = r.functions.Invoke, p.Log
	if r.schedules, err = schedule.New(p.state, r.clock, p.Deployment.Schedules); err != nil {
		return err
	}
	r.schedules.Invoke = func(ctx context.Context, fn string, payload json.RawMessage) error {
		_, err := r.functions.Invoke(ctx, fn, payload)
		return err
	}
	r.schedules.Due, r.schedules.Settle, r.schedules.Log = r.due(product.Due), r.settle, p.Log
	if fn := p.Deployment.MailEvent; fn != "" {
		inbox := s3blob.New(bucketName, s3blob.Options{Region: region, Credentials: credentials(""), Endpoint: p.Base + pathS3})
		r.mailbox.ReplyDomain, r.mailbox.Keep = replyDomain, func(ctx context.Context, key string, raw []byte) error {
			_, err := inbox.PutOnce(ctx, key, raw, "message/rfc822")
			return err
		}
		r.mailbox.Deliver = func(ctx context.Context, n json.RawMessage) error {
			_, err := r.functions.Invoke(ctx, fn, n)
			return err
		}
	}
	r.mux, r.seed = p.controls(r), product.Seed
	return nil
}

// Start makes the demo organisation where it is missing, and runs what runs by itself: schedules, the stream, the
// mail service's reports.
func (p *Program) Start(ctx context.Context) error {
	r := p.current()
	if r.seed != nil {
		if err := r.seed(ctx); err != nil {
			return fmt.Errorf("the demo organisation: %w", err)
		}
	}
	r.start()
	return nil
}

func (p *Program) current() *run {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.run
}

func (r *run) start() {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	for _, loop := range []func(context.Context){r.schedules.Run, r.follower.Run, r.mailbox.Run, r.stripe.Run} {
		r.loops.Go(func() { loop(ctx) })
	}
}

// due answers when something happens by itself next, at the payment provider or in the product.
func (r *run) due(product func(context.Context, time.Time) (time.Time, error)) func(context.Context, time.Time) (time.Time, error) {
	return func(ctx context.Context, after time.Time) (time.Time, error) {
		first, err := r.stripe.Due(after)
		if err != nil || product == nil {
			return first, err
		}
		at, err := product(ctx, after)
		if first.IsZero() || !at.IsZero() && at.Before(first) {
			first = at
		}
		return first, err
	}
}

// settle returns when the payment provider, the stream and the mail service have nothing left to hand on.
func (r *run) settle(ctx context.Context) error {
	for range 2 { // what the hooks write goes through the stream once more
		if err := r.stripe.Drain(ctx); err != nil {
			return err
		}
		if err := r.follower.Drain(ctx); err != nil {
			return err
		}
		if err := r.mailbox.Drain(ctx); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}

func (r *run) close() error {
	if r.stop != nil {
		r.stop()
		r.loops.Wait()
	}
	var errs []error
	if r.record != nil {
		errs = append(errs, r.record.Close())
	}
	if r.blobs != nil {
		errs = append(errs, r.blobs.Close())
	}
	if r.stripe != nil {
		errs = append(errs, r.stripe.Close())
	}
	if r.clock != nil {
		errs = append(errs, r.clock.Close())
	}
	return errors.Join(errs...)
}

// Close lets requests that are under way end, stops what runs by itself, and closes the files.
func (p *Program) Close() error {
	p.gate.close(grace)
	return errors.Join(p.current().close(), p.state.Close())
}

// reset throws away everything that the organisation did, and begins anew as the first start did. The signing key
// stays, so that nobody has to sign in again.
func (p *Program) reset(ctx context.Context) error {
	p.gate.close(grace)
	defer p.gate.open()
	// The stand-ins go on answering meanwhile, since functions that are at work call them.
	if err := p.current().close(); err != nil {
		return err
	}
	for _, name := range []string{fileRecord, fileObjects, fileStripe, clock.File} {
		if err := os.Remove(filepath.Join(p.Data, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	err := p.state.Update(func(tx *bbolt.Tx) error {
		var names [][]byte
		if err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error { names = append(names, name); return nil }); err != nil {
			return err
		}
		for _, n := range names {
			if err := tx.DeleteBucket(n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.faults.Clear()
	if err := p.open(); err != nil {
		return err
	}
	return p.Start(ctx)
}
