package outside

import (
	"context"
	"sync"
	"time"

	"onebook/internal/app"
	"onebook/internal/payment"
	"onebook/internal/stripepay"
)

// Provider is the payment provider of a product.
func Provider(x *app.Product) payment.Provider { return &provider{x: x} }

// provider makes the client of the payment provider when it is first used, because its key is a secret.
type provider struct {
	x    *app.Product
	get  func(ctx context.Context) (payment.Provider, error)
	init sync.Once
}

func (l *provider) client(ctx context.Context) (payment.Provider, error) {
	l.init.Do(func() {
		l.get = app.Once(func(ctx context.Context) (payment.Provider, error) {
			key, err := l.x.ReadSecret(ctx, "STRIPE_SECRET")
			if err != nil {
				return nil, err
			}
			c := stripepay.Config{Key: key, URL: l.x.Stripe}
			if l.x.HTTP != nil {
				c.Transport = l.x.HTTP.Transport
			}
			return stripepay.New(c)
		})
	})
	return l.get(ctx)
}

// Payable needs no client: the limits are the provider's, whatever the account.
func (l *provider) Payable(amount int64, currency string) error {
	return stripepay.CheckAmount(amount, currency)
}

func (l *provider) NewCustomer(ctx context.Context, key string, c payment.Customer) (string, error) {
	p, err := l.client(ctx)
	if err != nil {
		return "", err
	}
	return p.NewCustomer(ctx, key, c)
}

func (l *provider) NewSession(ctx context.Context, key string, r payment.SessionRequest) (payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Session{}, err
	}
	return p.NewSession(ctx, key, r)
}

func (l *provider) Session(ctx context.Context, sessionID string) (payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Session{}, err
	}
	return p.Session(ctx, sessionID)
}

func (l *provider) Sessions(ctx context.Context, customer string, since time.Time) ([]payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return nil, err
	}
	return p.Sessions(ctx, customer, since)
}

func (l *provider) ExpireSession(ctx context.Context, sessionID string) (payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Session{}, err
	}
	return p.ExpireSession(ctx, sessionID)
}

func (l *provider) Intent(ctx context.Context, intentID string) (payment.Intent, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Intent{}, err
	}
	return p.Intent(ctx, intentID)
}

func (l *provider) Events(ctx context.Context, since time.Time) ([]payment.Event, error) {
	p, err := l.client(ctx)
	if err != nil {
		return nil, err
	}
	return p.Events(ctx, since)
}
