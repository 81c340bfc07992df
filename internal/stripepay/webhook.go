package stripepay

import (
	"context"
	"fmt"
	"slices"

	"github.com/stripe/stripe-go/v76"
)

// WebhookEvents are the events that the endpoint is made for: what can change a payment of ours, and nothing that
// would only be acknowledged.
var WebhookEvents = []string{
	"checkout.session.completed", "checkout.session.expired",
	"checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed",
	"payment_intent.succeeded", "payment_intent.processing", "payment_intent.payment_failed", "payment_intent.canceled",
	"charge.refunded", "charge.refund.updated",
	"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
	"charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
}

// Webhook is an endpoint at Stripe that events are sent to.
type Webhook struct {
	ID     string
	Secret string // signs the events; Stripe tells it once, when the endpoint is made, and it is empty later
	Made   bool   // it was made now; otherwise it was there, and its events were completed where some were missing
}

// EnsureWebhook sees to it that Stripe sends WebhookEvents to url, in the version that this package reads. Calling
// it again changes nothing. An endpoint for url with another version cannot be changed and is not replaced in
// silence, since its secret is in use: the error says what to do.
func (c *Client) EnsureWebhook(ctx context.Context, url string) (Webhook, error) {
	list := &stripe.WebhookEndpointListParams{}
	list.Context, list.Limit = ctx, stripe.Int64(pageSize)
	it := c.endpoints.List(list)
	for it.Next() {
		e := it.WebhookEndpoint()
		if e.URL != url || e.Status == "disabled" {
			continue
		}
		if e.APIVersion != APIVersion {
			return Webhook{}, fmt.Errorf("the webhook endpoint %s for %s is made for API version %q and cannot be changed; delete it at Stripe, run this again and store the new secret beside the old one (wanted: %s)",
				e.ID, url, e.APIVersion, APIVersion)
		}
		return Webhook{ID: e.ID}, c.completeEvents(ctx, e)
	}
	if err := it.Err(); err != nil {
		return Webhook{}, refusal("list webhook endpoints", err)
	}
	p := &stripe.WebhookEndpointParams{
		URL: &url, EnabledEvents: stripe.StringSlice(WebhookEvents), APIVersion: stripe.String(APIVersion),
		Description: stripe.String("Onebook: payments and what becomes of them"),
	}
	p.Context = ctx
	e, err := c.endpoints.New(p)
	if err != nil {
		return Webhook{}, refusal("make a webhook endpoint", err)
	}
	return Webhook{ID: e.ID, Secret: e.Secret, Made: true}, nil
}

func (c *Client) completeEvents(ctx context.Context, e *stripe.WebhookEndpoint) error {
	if slices.Contains(e.EnabledEvents, "*") {
		return nil
	}
	events := slices.Clone(e.EnabledEvents)
	for _, w := range WebhookEvents {
		if !slices.Contains(events, w) {
			events = append(events, w)
		}
	}
	if len(events) == len(e.EnabledEvents) {
		return nil
	}
	p := &stripe.WebhookEndpointParams{EnabledEvents: stripe.StringSlice(events)}
	p.Context = ctx
	if _, err := c.endpoints.Update(e.ID, p); err != nil {
		return refusal("complete the events of a webhook endpoint", err)
	}
	return nil
}
