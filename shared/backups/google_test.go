package backups_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	sqladmin "google.golang.org/api/sqladmin/v1"

	"aksio.app/shared/backups"
	"aksio.app/shared/database"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/uploads/uploadstest"
)

// google speaks as much of the Cloud SQL Admin API, of Cloud SQL's connections and of
// Cloud Storage's policies as backups and drills need, to Google's own clients. Its
// instances' data are databases of the tests' PostgreSQL; its buckets are the storage
// emulator's.
type google struct {
	t        *testing.T
	db       *database.DB // of the original instance
	config   backups.DrillConfig
	storage  *httputil.ReverseProxy
	emulator string
	ca       *x509.Certificate
	caKey    *ecdsa.PrivateKey
	address  string

	rename *strings.Replacer   // changes roles in what is exported
	slow   int                 // looks at an operation until it is done
	spoil  func(string) string // changes what is exported
	during func(kind string)   // called when an operation begins
	refuse map[string]int      // status of the answer to a method and the end of a path, once
	fail   map[string]string   // message of the failure of operations of the type

	mu         sync.Mutex
	instances  map[string]*instance
	operations []*operation // the newest first
	policies   map[string]map[string]any
	asked      []string // methods and paths
}

type instance struct {
	*sqladmin.DatabaseInstance
	users    []*sqladmin.User
	roles    []string // that were made for it
	listener net.Listener
}

type operation struct {
	sqladmin.Operation
	looks int
	end   func() error
}

// newGoogle returns Google with one instance, which holds a database with some rows.
func newGoogle(t *testing.T) *google {
	t.Helper()
	bucket, copies := uploadstest.Config(t), uploadstest.Config(t)
	unique := strings.ReplaceAll(bucket.Bucket, "-", "")[len("test"):]
	emulator, err := url.Parse(bucket.Emulator)
	if err != nil {
		t.Fatal(err)
	}
	g := &google{
		t: t, db: dbtest.New(t), emulator: bucket.Emulator, storage: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(emulator)
			token, _ := emulator.User.Password()
			r.Out.SetBasicAuth(emulator.User.Username(), token)
		}},
		spoil: func(s string) string { return s }, during: func(string) {}, refuse: map[string]int{}, fail: map[string]string{},
		config: backups.DrillConfig{
			Config:      backups.Config{Instance: "p:europe-west1:main-" + unique, Database: "restored_" + unique, Bucket: bucket.Bucket},
			DrillBucket: copies.Bucket,
		},
		policies: map[string]map[string]any{},
	}
	g.ca, g.caKey = authority(t)
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.address = server.URL
	owner, reader, name := "migrations-"+unique+"@p.iam", "rows_"+unique, "main-"+unique
	// All instances share one server. What is exported names roles that it hasn't.
	g.rename = strings.NewReplacer(owner, "scratch-"+owner, reader, "scratch_"+reader)
	g.instances = map[string]*instance{name: {
		DatabaseInstance: &sqladmin.DatabaseInstance{
			Name: name, State: "RUNNABLE", Region: "europe-west1", DatabaseVersion: "POSTGRES_15",
			Settings: &sqladmin.Settings{Tier: "db-custom-2-7680", Edition: "ENTERPRISE", DataDiskSizeGb: 50, DataDiskType: "PD_SSD", AvailabilityType: "REGIONAL",
				DeletionProtectionEnabled: true, ConnectorEnforcement: "REQUIRED", IpConfiguration: &sqladmin.IpConfiguration{PrivateNetwork: "projects/p/global/networks/n"},
				DatabaseFlags: []*sqladmin.DatabaseFlags{{Name: "cloudsql.iam_authentication", Value: "on"}}},
		},
		users: []*sqladmin.User{{Name: "postgres"}, {Name: owner, Type: "CLOUD_IAM_SERVICE_ACCOUNT"}},
	}}
	t.Cleanup(func() {
		for _, i := range g.instances {
			g.discard(i)
		}
		for _, role := range []string{owner, reader} {
			g.sql(`DROP OWNED BY ` + quoted(role))
			g.sql(`DROP ROLE ` + quoted(role))
			g.sql(`DROP ROLE IF EXISTS ` + quoted(g.rename.Replace(role)))
		}
	})
	g.sql(`CREATE ROLE ` + quoted(owner))
	g.sql(`CREATE ROLE ` + quoted(reader))
	g.sql(`GRANT CREATE, USAGE ON SCHEMA public TO ` + quoted(owner))
	g.sql(`DO $$ DECLARE t record; BEGIN
		FOR t IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
			EXECUTE format('ALTER TABLE %s OWNER TO ` + quoted(owner) + `', t.name);
		END LOOP;
		FOR t IN SELECT oid::regprocedure AS name FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
			AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e') LOOP
			EXECUTE format('ALTER FUNCTION %s OWNER TO ` + quoted(owner) + `', t.name);
		END LOOP; END $$`)
	g.sql(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ` + quoted(reader))
	g.sql(`INSERT INTO users (id, username, email, password, timezone)
		SELECT gen_random_uuid(), 'user' || n, 'user' || n || '@example.com', 'not a hash', E'tab\t"quoted", (both)\\ ' || n FROM generate_series(1, 20) n`)
	return g
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

func (g *google) sql(sql string, args ...any) {
	g.t.Helper()
	if _, err := g.db.Exec(context.Background(), sql, args...); err != nil {
		g.t.Errorf("%.100s: %v", sql, err)
	}
}

// clients are the options by which Google's clients come here.
func (g *google) clients() backups.Google {
	token := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})
	return backups.Google{
		Admin:   []option.ClientOption{option.WithEndpoint(g.address + "/"), option.WithoutAuthentication()},
		Storage: []option.ClientOption{option.WithEndpoint(g.address + "/storage/v1/"), option.WithoutAuthentication()},
		Dialer: []cloudsqlconn.Option{
			cloudsqlconn.WithTokenSource(token), cloudsqlconn.WithHTTPClient(http.DefaultClient), cloudsqlconn.WithAdminAPIEndpoint(g.address),
			cloudsqlconn.WithDialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				g.mu.Lock()
				defer g.mu.Unlock()
				for _, i := range g.instances {
					if i.listener != nil && len(i.IpAddresses) > 0 && i.IpAddresses[0].IpAddress == host {
						return new(net.Dialer).DialContext(ctx, "tcp", i.listener.Addr().String())
					}
				}
				return nil, fmt.Errorf("nobody has the address %s", address)
			}),
		},
	}
}

// store backs up the original.
func (g *google) store() *backups.Store {
	cloud := backups.NewCloud(g.config.Config, g.clients())
	backups.PollFast(cloud)
	return backups.New(g.db, cloud)
}

// lab restores the original's backups.
func (g *google) lab() *backups.CloudLab {
	lab := backups.NewCloudLab(g.config, g.clients())
	backups.PollFast(lab.Cloud)
	return lab
}

// driller drills with the original's backups, as a process of its own.
func (g *google) driller() *backups.Driller {
	d := backups.NewDriller(g.db, g.lab())
	backups.DrillFast(d)
	return d
}

// scratches returns the names of all instances but the original.
func (g *google) scratches() (names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name := range g.instances {
		if !strings.HasSuffix(g.config.Instance, ":"+name) {
			names = append(names, name)
		}
	}
	return names
}

var paths = regexp.MustCompile(`^/(?:sql/v1beta4|v1)/projects/p/(instances|operations)(?:/([^/:]+))?(?:[/:]([a-zA-Z]+))?$`)

func (g *google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked = append(g.asked, r.Method+" "+r.URL.Path)
	for what, status := range g.refuse {
		method, end, _ := strings.Cut(what, " ")
		if method == r.Method && strings.HasSuffix(r.URL.Path, end) {
			delete(g.refuse, what)
			g.mu.Unlock()
			refuse(w, status, "refused by the test")
			return
		}
	}
	g.mu.Unlock()
	if bucket, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/storage/v1/b/"), "/iam"); ok {
		g.policy(w, r, bucket)
		return
	}
	parts := paths.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		g.storage.ServeHTTP(w, r)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	kind, name, verb := parts[1], parts[2], parts[3]
	if kind == "operations" {
		g.answerOperations(w, r, name)
		return
	}
	if name == "" {
		g.answerInstances(w, r)
		return
	}
	i := g.instances[name]
	if i == nil {
		refuse(w, http.StatusNotFound, "The Cloud SQL instance does not exist.")
		return
	}
	switch r.Method + " " + verb {
	case "GET ":
		g.look(i.Name)
		if i = g.instances[name]; i == nil {
			refuse(w, http.StatusNotFound, "The Cloud SQL instance does not exist.")
			return
		}
		answer(w, i.DatabaseInstance)
	case "DELETE ":
		g.begin(w, i, "DELETE", func() error { g.discard(i); delete(g.instances, i.Name); return nil })
		i.State = "PENDING_DELETE"
	case "POST export":
		var request sqladmin.InstancesExportRequest
		decode(r, &request)
		g.begin(w, i, "EXPORT", func() error { return g.export(request.ExportContext) })
	case "POST import":
		var request sqladmin.InstancesImportRequest
		decode(r, &request)
		g.begin(w, i, "IMPORT", func() error { return g.load(i, request.ImportContext) })
	case "GET users":
		answer(w, sqladmin.UsersListResponse{Items: i.users})
	case "POST users":
		var user sqladmin.User
		decode(r, &user)
		g.begin(w, i, "CREATE_USER", func() error { return g.addUser(i, &user) })
	case "PUT users":
		var user sqladmin.User
		decode(r, &user)
		if !slices.ContainsFunc(i.users, func(u *sqladmin.User) bool { return u.Name == r.URL.Query().Get("name") }) || user.Password == "" {
			refuse(w, http.StatusBadRequest, "no such user, or no password")
			return
		}
		g.begin(w, i, "UPDATE_USER", func() error { return nil })
	case "GET connectSettings":
		answer(w, map[string]any{
			"backendType": "SECOND_GEN", "databaseVersion": i.DatabaseVersion, "region": i.Region,
			"ipAddresses":  []map[string]string{{"type": "PRIMARY", "ipAddress": i.IpAddresses[0].IpAddress}},
			"serverCaCert": map[string]string{"cert": encode(g.ca.Raw)},
		})
	case "POST generateEphemeralCert":
		var request struct {
			PublicKey string `json:"public_key"`
		}
		decode(r, &request)
		block, _ := pem.Decode([]byte(request.PublicKey))
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			g.t.Error(err)
		}
		answer(w, map[string]any{"ephemeralCert": map[string]string{"cert": encode(g.certificate("client", key))}})
	default:
		g.t.Errorf("nobody told the test's Google of %s %s", r.Method, r.URL)
		refuse(w, http.StatusNotImplemented, "not known")
	}
}

func (g *google) answerInstances(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		var list sqladmin.InstancesListResponse
		for _, i := range g.instances { // all of them: clients mustn't lean on the filter
			list.Items = append(list.Items, i.DatabaseInstance)
		}
		answer(w, list)
		return
	}
	// An address that isn't refused is public, as Google has it.
	wanted := sqladmin.DatabaseInstance{Settings: &sqladmin.Settings{IpConfiguration: &sqladmin.IpConfiguration{Ipv4Enabled: true}}}
	decode(r, &wanted)
	if g.instances[wanted.Name] != nil {
		refuse(w, http.StatusConflict, "The Cloud SQL instance already exists.")
		return
	}
	i := &instance{DatabaseInstance: &wanted, users: []*sqladmin.User{{Name: "postgres"}}}
	wanted.State, wanted.CreateTime = "PENDING_CREATE", time.Now().Format(time.RFC3339)
	wanted.ServiceAccountEmailAddress = "p1-" + wanted.Name + "@gcp-sa-cloud-sql.iam.gserviceaccount.com"
	wanted.IpAddresses = []*sqladmin.IpMapping{{Type: "PRIMARY", IpAddress: fmt.Sprintf("10.0.0.%d", len(g.instances))}}
	g.instances[wanted.Name] = i
	g.begin(w, i, "CREATE", func() error {
		if message := g.fail["CREATE"]; message != "" {
			delete(g.instances, i.Name)
			return nil // begin's caller reports it
		}
		i.State = "RUNNABLE"
		return g.listen(i)
	})
}

func (g *google) answerOperations(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" {
		var list sqladmin.OperationsListResponse
		g.look(r.URL.Query().Get("instance"))
		for _, o := range g.operations {
			if o.TargetId == r.URL.Query().Get("instance") {
				list.Items = append(list.Items, &o.Operation)
			}
		}
		answer(w, list)
		return
	}
	for _, o := range g.operations {
		if o.Name == name {
			g.lookAt(o)
			answer(w, o.Operation)
			return
		}
	}
	refuse(w, http.StatusNotFound, "no such operation")
}

// begin starts an operation on the instance, which takes one at a time.
func (g *google) begin(w http.ResponseWriter, i *instance, kind string, end func() error) {
	for _, o := range g.operations {
		if o.TargetId == i.Name && o.Status != "DONE" {
			refuse(w, http.StatusConflict, "Operation failed because another operation was already in progress.")
			return
		}
	}
	o := &operation{end: end, Operation: sqladmin.Operation{
		Kind: "sql#operation", Name: fmt.Sprintf("op-%d", len(g.operations)), OperationType: kind, TargetId: i.Name, Status: "RUNNING",
	}}
	g.operations = slices.Insert(g.operations, 0, o)
	g.during(kind)
	answer(w, o.Operation)
}

// look brings the operations of the instance nearer to their end.
func (g *google) look(name string) {
	for _, o := range g.operations {
		if o.TargetId == name {
			g.lookAt(o)
		}
	}
}

func (g *google) lookAt(o *operation) {
	if o.Status == "DONE" {
		return
	}
	if o.looks++; o.looks <= g.slow {
		return
	}
	o.Status = "DONE"
	err := o.end()
	if message := g.fail[o.OperationType]; message != "" {
		err = fmt.Errorf("%s", message)
	}
	if err != nil {
		o.Error = &sqladmin.OperationErrors{Errors: []*sqladmin.OperationError{{Code: "ERROR_RDBMS", Message: err.Error()}}}
	}
}

// export dumps the original into the emulator's bucket.
func (g *google) export(c *sqladmin.ExportContext) error {
	if !c.Offload || c.FileType != "SQL" || len(c.Databases) != 1 || c.Databases[0] != g.config.Database {
		return fmt.Errorf("asked for %+v", c)
	}
	dump, err := g.program("pg_dump", g.db.Config().ConnConfig.Database, "postgres").Output()
	if err != nil {
		return err
	}
	return g.upload(c.Uri, g.spoil(g.rename.Replace(string(dump))))
}

func (g *google) upload(uri, text string) error {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	io.WriteString(zip, text)
	zip.Close()
	bucket, object, _ := strings.Cut(strings.TrimPrefix(uri, "gs://"), "/")
	resp, err := http.Post(g.emulator+"/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+url.QueryEscape(object), "application/gzip", &packed)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("upload: %s", resp.Status)
	}
	return nil
}

// load imports an object of the emulator's bucket.
func (g *google) load(i *instance, c *sqladmin.ImportContext) error {
	bucket, object, _ := strings.Cut(strings.TrimPrefix(c.Uri, "gs://"), "/")
	if !strings.Contains(fmt.Sprint(g.policies[bucket]), "serviceAccount:"+i.ServiceAccountEmailAddress) {
		return fmt.Errorf("the instance's service account has no permission for bucket %s", bucket)
	}
	resp, err := http.Get(g.emulator + "/storage/v1/b/" + bucket + "/o/" + url.PathEscape(object) + "?alt=media")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("download %s: %s", c.Uri, resp.Status)
	}
	unpacked, err := gzip.NewReader(resp.Body)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		return err
	}
	// Cloud SQL lets its users make extensions that PostgreSQL itself leaves to superusers.
	extensions := regexp.MustCompile(`(?m)^(CREATE|COMMENT ON) EXTENSION .*$`)
	create := g.program("psql", c.Database, "postgres", "-qc", string(bytes.Join(extensions.FindAll(text, -1), nil)))
	if output, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	sql := extensions.ReplaceAll(text, nil)
	psql := g.program("psql", c.Database, c.ImportUser, "-q", "-o", os.DevNull, "-v", "ON_ERROR_STOP=1")
	psql.Stdin = bytes.NewReader(sql)
	if output, err := psql.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// program is the call of one of PostgreSQL's programs.
func (g *google) program(name, database, user string, args ...string) *exec.Cmd {
	path := name
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		path = found[len(found)-1]
	}
	c := g.db.Config().ConnConfig
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "PGHOST="+c.Host, fmt.Sprintf("PGPORT=%d", c.Port), "PGDATABASE="+database, "PGUSER="+user, "PGTZ=UTC",
		"PGPASSWORD="+cmp.Or(os.Getenv("PGPASSWORD"), c.Password))
	if user == "postgres" {
		server, _ := url.Parse(os.Getenv("DATABASE_URL"))
		password, _ := server.User.Password()
		cmd.Env = append(cmd.Env, "PGUSER="+server.User.Username(), "PGPASSWORD="+password)
	}
	return cmd
}

// addUser makes a role with what Cloud SQL gives its users.
func (g *google) addUser(i *instance, user *sqladmin.User) error {
	if !slices.Equal(user.DatabaseRoles, []string{"cloudsqlsuperuser"}) || user.Password == "" {
		return fmt.Errorf("asked for user %+v", user)
	}
	i.users = append(i.users, &sqladmin.User{Name: user.Name})
	i.roles = append(i.roles, user.Name)
	_, err := g.db.Exec(context.Background(), `CREATE ROLE `+quoted(user.Name)+` LOGIN CREATEROLE CREATEDB PASSWORD '`+user.Password+`'`)
	return err
}

// discard removes what an instance has beside its entry.
func (g *google) discard(i *instance) {
	if i.listener != nil {
		i.listener.Close()
		g.sql(`DROP DATABASE IF EXISTS ` + quoted(g.config.Database) + ` WITH (FORCE)`)
	}
	for _, role := range i.roles {
		g.sql(`DROP OWNED BY ` + quoted(role))
		g.sql(`DROP ROLE ` + quoted(role))
	}
	i.listener, i.roles = nil, nil
}

// listen serves the instance's connections, as the connector dials them.
func (g *google) listen(i *instance) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(g.ca)
	i.listener, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{g.certificate("p:"+i.Name, key.Public())}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool,
	})
	if err != nil {
		return err
	}
	listener, target := i.listener, g.db.Config().ConnConfig
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", net.JoinHostPort(target.Host, fmt.Sprint(target.Port)))
				if err != nil {
					return
				}
				defer server.Close()
				go io.Copy(server, client)
				io.Copy(client, server)
			}()
		}
	}()
	return nil
}

// policy keeps a bucket's policy.
func (g *google) policy(w http.ResponseWriter, r *http.Request, bucket string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPut {
		var policy map[string]any
		decode(r, &policy)
		g.policies[bucket] = policy
	}
	if g.policies[bucket] == nil {
		g.policies[bucket] = map[string]any{}
	}
	answer(w, g.policies[bucket])
}

func answer(w http.ResponseWriter, v any) { json.NewEncoder(w).Encode(v) }

func decodeBody(t *testing.T, resp *http.Response, v any) {
	t.Helper()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// rewriteManifest changes the manifest of the newest backup.
func rewriteManifest(g *google, change func(m *backups.Manifest)) {
	m, err := g.lab().Newest(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	change(&m)
	cloud := g.lab().Cloud
	if err := cloud.Keep(g.t.Context(), m); err != nil {
		g.t.Fatal(err)
	}
}

func decode(r *http.Request, v any) { json.NewDecoder(r.Body).Decode(v) }

func refuse(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	answer(w, map[string]any{"error": map[string]any{"code": status, "message": message}})
}

func authority(t *testing.T) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Cloud SQL Server CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

func (g *google) certificate(name string, key any) []byte {
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, g.ca, key, g.caKey)
	if err != nil {
		g.t.Error(err)
	}
	return raw
}

func encode(certificate []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}
