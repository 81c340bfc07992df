// Webhook makes the endpoint at Stripe that sends events to a deployment, or completes the one that is there.
//
//	STRIPE_KEY=sk_… go run ./infra/webhook -url https://…/hooks/stripe
//
// Stripe tells the secret that signs the events once, when the endpoint is made. It is written to standard output and
// nothing else is, so that it can be handed straight to the secret store; all that is for people goes to standard error.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"onebook/internal/stripepay"
)

func main() {
	url := flag.String("url", "", "the deployment's WebhookUrl")
	flag.Parse()
	if err := run(context.Background(), *url, os.Getenv("STRIPE_KEY")); err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url, key string) error {
	if !strings.HasPrefix(url, "https://") || !strings.HasSuffix(url, "/hooks/stripe") {
		return fmt.Errorf("-url %q is not the WebhookUrl that make deploy prints", url)
	}
	if key == "" {
		return fmt.Errorf("STRIPE_KEY is not set; it is Stripe's secret key and is used for this call only")
	}
	c, err := stripepay.New(stripepay.Config{Key: key})
	if err != nil {
		return err
	}
	w, err := c.EnsureWebhook(ctx, url)
	if err != nil {
		return err
	}
	if !w.Made {
		fmt.Fprintf(os.Stderr, "The endpoint %s was there already; its secret is the one that you have.\n", w.ID)
		return nil
	}
	fmt.Fprintf(os.Stderr, "Made the endpoint %s. Store this secret now; Stripe does not tell it again:\n", w.ID)
	fmt.Println(w.Secret)
	return nil
}
