package main

import (
	"fmt"
	"math"
)

// Need is what the database must have.
type Need struct {
	CPU         float64
	Memory      float64 // GiB, for data
	Connections float64 // that functions may open, and the reserve
	Connection  float64 // GiB of memory that one takes
	Raised      float64 // max_connections as the environment sets it; 0 leaves the tier's
	Data        float64 // GiB
}

// limits are why a tier is too small.
var limits = []struct {
	name string
	of   func(t Tier, n Need) float64
	want func(n Need) float64
}{
	{"CPU", func(t Tier, _ Need) float64 { return t.CPU }, func(n Need) float64 { return n.CPU }},
	{"memory", func(t Tier, _ Need) float64 { return t.Memory }, func(n Need) float64 { return n.Memory + n.Connections*n.Connection }},
	{"connections", Tier.letsIn, func(n Need) float64 { return n.Connections }},
}

// letsIn returns the instance's max_connections.
func (t Tier) letsIn(n Need) float64 { return max(t.Connections, n.Raised) }

// lacks returns what the tier has too little of for the need, "" if nothing.
func (t Tier) lacks(n Need) string {
	worst, most := "", 1.0
	for _, limit := range limits {
		if over := limit.want(n) / limit.of(t, n); over > most {
			worst, most = limit.name, over
		}
	}
	return worst
}

// choose returns the smallest tier that satisfies the need, the largest if none does.
func (in *Inputs) choose(n Need) Tier {
	for _, t := range in.Tiers {
		if t.lacks(n) == "" {
			return t
		}
	}
	return in.Tiers[len(in.Tiers)-1]
}

// monthly returns what the tier costs without high availability.
func (in *Inputs) monthly(t Tier) float64 {
	if t.Hour != "" {
		return in.Prices[t.Hour].USD * hoursPerMonth
	}
	return (t.CPU*in.Prices["sql.vcpu"].USD + t.Memory*in.Prices["sql.memory"].USD) * hoursPerMonth
}

// need returns what the database must have for what functions use of it.
func (m *month) need(u usage) Need {
	perDocument := m.general("passages_per_document")*m.general("passage_kib") + m.general("pages_per_document")*m.general("page_kib")
	data := m.bill.Students * (m.general("documents_stored")*perDocument + m.general("rest_kib")) * kib
	atPeak := u.database * m.general("busy_share") / (m.general("days_per_month") * m.general("busy_hours") * 3600) * m.general("peak_factor")
	need := Need{
		CPU:         atPeak / m.general("database_cpu_share"),
		Memory:      data * m.general("hot_share") / m.general("memory_share"),
		Connections: u.connections / m.general("connections_share"),
		Connection:  m.general("connection_mib") * mib / m.general("memory_share"),
		Data:        data,
	}
	if m.staging() {
		need.Raised = m.general("staging_connections")
	}
	return need
}

// staging reports whether the bill is that of an environment that nobody studies in.
func (m *month) staging() bool { return m.bill.Students < m.general("production_from") }

// mayRun returns how many instances of the function Terraform lets run at once: those that
// are declared, as far as environment and quota go. If that isn't enough at peak, somebody
// has declared more.
func (m *month) mayRun(f Function, atPeak float64) float64 {
	quota := m.general("cpu_quota") // with 2 GiB each
	declared := min(f.MaxInstances, max(1, math.Floor(min(quota/f.CPU, 2*quota/(f.MemoryMiB*mib)))))
	if m.staging() {
		return min(declared, m.general("staging_instances"))
	}
	return max(declared, math.Ceil(atPeak))
}

// database charges the instance, its disk and its backups.
func (m *month) database(u usage) {
	need := m.need(u)
	tier := m.choose(need)
	if m.Tier != "" {
		var err error
		if tier, err = m.tier(m.Tier); err != nil {
			m.errs = append(m.errs, err)
		}
	}
	m.bill.Need, m.bill.Database = need, tier
	m.bill.HA = m.bill.Students >= m.general("high_availability_from")
	copies, name := 1.0, tier.Name
	if m.bill.HA {
		copies, name = 2, name+" with high availability"
	}
	if tier.Hour != "" {
		m.charge("database", name, tier.Hour, hoursPerMonth*copies)
	} else {
		m.charge("database", name+": CPU", "sql.vcpu", tier.CPU*hoursPerMonth*copies)
		m.charge("database", name+": memory", "sql.memory", tier.Memory*hoursPerMonth*copies)
	}
	const part = "database storage and backups"
	least := "production_disk_gib"
	if m.staging() {
		least = "staging_disk_gib"
	}
	disk := max(m.general(least), need.Data*m.general("disk_headroom"))
	m.charge(part, "disk", "sql.ssd", disk*copies)
	m.charge(part, "backups", "sql.backup", max(1, need.Data)*m.general("backup_factor"))
	m.charge(part, "exports", "storage.nearline", need.Data*m.general("export_ratio")*(m.general("exports_kept")+m.general("exports_deleted")))
	drill := fmt.Sprintf("restore drill: %s", tier.Name)
	if tier.Hour != "" {
		m.charge(part, drill, tier.Hour, m.general("drill_hours"))
	} else {
		m.charge(part, drill+": CPU", "sql.vcpu", tier.CPU*m.general("drill_hours"))
		m.charge(part, drill+": memory", "sql.memory", tier.Memory*m.general("drill_hours"))
	}
}
