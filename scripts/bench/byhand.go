package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
)

// byHand is the least that a handler does: check the token, answer as JSON.
func byHand(db *database.DB, verifier *auth.Verifier, answer answering, sent [][]statement) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, err := verifier.Verify(token, auth.Access, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		status, body, err := answer(r.Context(), db, sent, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
}

// single answers the one row of the one statement.
func single[T, U any](view func(T) U) answering {
	return func(ctx context.Context, db *database.DB, sent [][]statement, _ *http.Request) (int, any, error) {
		rows, _ := db.Query(ctx, sent[0][0].sql, sent[0][0].args...)
		found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
		return http.StatusOK, view(found), err
	}
}

// every answers all rows of the one statement.
func every[T, U any](view func(T) U) answering {
	return func(ctx context.Context, db *database.DB, sent [][]statement, _ *http.Request) (int, any, error) {
		rows, _ := db.Query(ctx, sent[0][0].sql, sent[0][0].args...)
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return http.StatusOK, api.Each(found, view), err
	}
}

// pageOf answers a page: a batch of the count and the rows.
func pageOf[T, U any](view func(T) U) answering {
	return func(ctx context.Context, db *database.DB, sent [][]statement, _ *http.Request) (int, any, error) {
		var body api.List[U]
		results := send(ctx, db, sent[0])
		defer results.Close()
		if err := results.QueryRow().Scan(&body.Count); err != nil {
			return 0, nil, err
		}
		rows, _ := results.Query()
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
		body.Results = api.Each(found, view)
		return http.StatusOK, body, err
	}
}

// send sends the statements in one round trip.
func send(ctx context.Context, db *database.DB, group []statement) pgx.BatchResults {
	var batch pgx.Batch
	for _, s := range group {
		batch.Queue(s.sql, s.args...)
	}
	return db.SendBatch(ctx, &batch)
}

// next is the one row of the batch's next statement.
func next[T any](results pgx.BatchResults) (T, error) {
	rows, _ := results.Query()
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
}

// sameFields fails unless both servers answer an object of the same fields, or a
// list of as many items: otherwise the comparison would flatter one of them.
func sameFields(ctx context.Context, ours, hand string, op operation, token string) error {
	var shapes [2]string
	for i, address := range []string{ours, hand} {
		body, err := call(ctx, http.DefaultClient, address, op, token)
		if err != nil {
			return err
		}
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			return err
		}
		shapes[i] = shape(value)
	}
	if shapes[0] != shapes[1] {
		return errors.Join(errors.New("the baseline answers something else"), fmt.Errorf("%.400s", shapes[0]), fmt.Errorf("%.400s", shapes[1]))
	}
	return nil
}

// shape describes a JSON value by its fields and lengths.
func shape(value any) string {
	switch v := value.(type) {
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return fmt.Sprintf("[%d %s]", len(v), shape(v[0]))
	case map[string]any:
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name == "next" { // an address, which only the function needs to make
				continue
			}
			fmt.Fprintf(&b, "%s:%s ", name, shape(v[name]))
		}
		return "{" + b.String() + "}"
	case nil:
		return "null"
	case string:
		if v == "" { // such as the address of a file that only one of them signs
			return "empty"
		}
	}
	return "value"
}
