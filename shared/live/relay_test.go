package live_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"aksio.app/shared/id"
	"aksio.app/shared/live"
)

// TestFirestoreListenerIsReplaced, be it one that is taken and never told of anything, or one
// whose stream the server cancels, as the emulator does at times.
func TestFirestoreListenerIsReplaced(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(context.Context) error{
		"silent":    func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"cancelled": func(context.Context) error { return status.Error(codes.Canceled, "cancelled by the server") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := emulated(t, time.Hour)
			topic := id.New[testing.T]().String()
			publish(t, live.NewFirestore(config), topic, step(1), last())
			var listeners atomic.Int32
			config.Emulator = relay(t, config.Emulator, func(ctx context.Context, method string) error {
				if strings.HasSuffix(method, "/Listen") && listeners.Add(1) == 1 {
					return end(ctx)
				}
				return nil
			})
			wantSeqs(t, "by another listener", watch(t, live.NewFirestore(config), topic, 0, 9), 1, 2)
			if n := listeners.Load(); n != 2 {
				t.Errorf("%d listeners, want 2", n)
			}
		})
	}
}

// relay passes calls on to a gRPC server, but for those that refuse ends with an error, and
// returns its own address.
func relay(t *testing.T, server string, refuse func(ctx context.Context, method string) error) string {
	t.Helper()
	onward, err := grpc.NewClient("passthrough:///"+server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	handle := func(_ any, in grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(in)
		if err := refuse(in.Context(), method); err != nil {
			return err
		}
		sent, _ := metadata.FromIncomingContext(in.Context())
		ctx, stop := context.WithCancel(metadata.NewOutgoingContext(in.Context(), sent))
		defer stop()
		out, err := onward.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, grpc.ForceCodec(frames{}))
		if err != nil {
			return err
		}
		go func() {
			if pass(in, out) == io.EOF {
				out.CloseSend()
			}
		}()
		if err := pass(out, in); err != io.EOF {
			return err
		}
		return nil
	}
	s := grpc.NewServer(grpc.ForceServerCodec(frames{}), grpc.UnknownServiceHandler(handle))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() {
		s.Stop()
		onward.Close()
	})
	return l.Addr().String()
}

// pass hands on messages until there are no more.
func pass(from, to interface {
	RecvMsg(any) error
	SendMsg(any) error
}) error {
	for {
		var message []byte
		if err := from.RecvMsg(&message); err != nil {
			return err
		}
		if err := to.SendMsg(&message); err != nil {
			return err
		}
	}
}

// frames leaves messages as they are.
type frames struct{}

func (frames) Name() string { return "proto" }

func (frames) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (frames) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}
