# SPDX-License-Identifier: Apache-2.0
"""The small policy that most tests ask; tests which need more write their own."""

CODES = """
activities:
  B0015: { name: Receive Legal Override Alerts }
  B0058: { name: Nurse Formulary Prescribing }
  B0278: { name: Perform Prescription Preparation }
  B0360: { name: View Summary Record }
  B0380: { name: Perform Detailed Health Record, includes: [B0790] }
  B0420: { name: Independent Prescribing, includes: [B0278] }
  B0570: { name: Perform Pharmacy Activities }
  B0572: { name: Manage Pharmacy Activities, includes: [B0570] }
  B0790: { name: Perform Limited Health Record, includes: [B0360] }
  B0820: { name: View Patient Demographics }
  B0825: { name: Amend Patient Demographics, includes: [B0820] }
  B8028: { name: Verify Health Records, includes: [B0380] }
  B8029: { name: Manage Health Records, includes: [B8028] }
  local:ESC01: { name: View System Configuration }
job_roles:
  R0001: { name: Privacy Officer }
  R8000: { name: Clinical Practitioner Access Role }
  R8001: { name: Nurse Access Role }
  R8008: { name: Clinical Support Access Role }
  E1005: { name: Emergency Planner }
  local:locum-lead: { name: Locum lead }
areas_of_work:
  P0020:Q0300:T0640: { name: "Pathology:Pathology:Phlebotomy" }
  P0020:Q0300:T0630: { name: "Pathology:Pathology:Pathology" }
  P0300:Q0310:T0320: { name: Community Pharmacy }
"""

BASELINE = """
baseline:
  - { roles: [R8000], activities: [B0825] }
  - { roles: [R8001], activities: [B0380] }
  - { roles: [E1005], activities: [B0360] }
  - { roles: [local:locum-lead], activities: [local:ESC01] }
  - { roles: [R8008], areas_of_work: ["P0300:Q0310:T0320"], activities: [B0572] }
"""

SMALL = CODES + BASELINE

FUNCTIONS = SMALL + """
obligations:
  notify-access: { name: Tell the privacy officer who looked }
  keep-note: { name: Write down the reason }
functions:
  patient.amend: { name: Amend demographics, require: B0825 }
  alerts: { name: Receive alerts, require: { role: R0001 } }
  pds.amend: { name: Amend in the national record, require: { all: [B0825, { aal: 2 }, { organisation: request }] } }
"""
