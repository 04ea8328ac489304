"""Run in an Odoo shell on a new database: a French company and a French user."""
france = env.ref("base.fr")
euro = env.ref("base.EUR")
euro.active = True
company = env.ref("base.main_company")
company.write({
    "name": "Institut Exemple Formation",
    "street": "12 rue de l’Exemple",
    "street2": False,
    "zip": "75011",
    "city": "Paris",
    "state_id": False,
    "country_id": france.id,
    "currency_id": euro.id,
    "company_registry": "12345678200010",
    "email": "contact@institut.example",
    "phone": "+33 1 99 00 00 00",
    "website": "https://institut.example",
    "vat": False,
})
company.partner_id.write({"lang": "fr_FR", "tz": "Europe/Paris"})
env["resource.calendar"].search([]).write({"tz": "Europe/Paris"})
env["resource.resource"].search([]).write({"tz": "Europe/Paris"})
users = env["res.users"].with_context(active_test=False).search([("share", "=", False)])
users.write({"lang": "fr_FR", "tz": "Europe/Paris"})
env["ir.default"].set("res.partner", "lang", "fr_FR")
env["ir.default"].set("res.partner", "tz", "Europe/Paris")
# A scratch database does not call home.
env.ref("mail.ir_cron_module_update_notification").active = False
env.cr.commit()
