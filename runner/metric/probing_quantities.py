"""Rows of the table of quantities for InfoMEC and DCI-ES, of variables and of groups."""

from __future__ import annotations

from runner.metric.quantity import Quantity, Score

INFOMEC: tuple[Quantity, ...] = (
    Quantity("scores/<codes>/infom", "modularity of InfoMEC", "InfoM", "", "higher", "infom",
             score=Score("infomec.infom", 2)),
    Quantity("scores/<codes>/infom/active_variables", "active variables in InfoM",
             "active variables in InfoM", family="infom"),
    Quantity("scores/<codes>/infom/<variable>", "modularity of <variable> in InfoMEC",
             "InfoM of <variable>", family="infom"),
    Quantity("scores/<codes>/infoc", "compactness of InfoMEC", "InfoC", "", "higher", "infoc",
             score=Score("infomec.infoc")),
    Quantity("scores/<codes>/infoc/<factor>", "compactness of <factor> in InfoMEC",
             "InfoC of <factor>", family="infoc"),
    Quantity("scores/<codes>/infoe", "explicitness of InfoMEC", "InfoE", "", "higher", "infoe",
             score=Score("infoe.infoe")),
    Quantity("scores/<codes>/infoe/<factor>", "explicitness of <factor> in InfoMEC",
             "InfoE of <factor>", family="infoe"),
    Quantity("scores/<codes>/infom_groups", "modularity of groups in InfoMEC", "InfoM of groups",
             "", "higher", "infom_groups", score=Score("infomec.infom_groups", 2, of_groups=True)),
    Quantity("scores/<codes>/infom_groups/<group>", "modularity of group <group> in InfoMEC",
             "InfoM of group <group>", family="infom_groups"),
    Quantity("scores/<codes>/infoc_groups", "compactness by groups in InfoMEC", "InfoC of groups",
             "", "higher", "infoc_groups", score=Score("infomec.infoc_groups", of_groups=True)),
    Quantity("scores/<codes>/infoc_groups/<factor>", "compactness of <factor> by groups in InfoMEC",
             "InfoC of groups for <factor>", family="infoc_groups"),
    Quantity("scores/<codes>/infoe_groups", "explicitness of groups in InfoMEC", "InfoE of groups",
             "", "higher", "infoe_groups", score=Score("infoe.infoe_groups", of_groups=True)),
    Quantity("scores/<codes>/infoe_groups/<factor>/<group>",
             "explicitness of <factor> in group <group> in InfoMEC",
             "InfoE of <factor> from <group>", family="infoe_groups"),
)  # fmt: skip

DCI_ES: tuple[Quantity, ...] = (
    Quantity("scores/<codes>/dci_es/explicitness", "DCI-ES explicitness", "DCI-ES E", "",
             "higher", "dci_es", score=Score("dci_es.dci_es")),
    Quantity("scores/<codes>/dci_es/size", "DCI-ES size, factors per variable", "DCI-ES S",
             family="dci_es"),
    Quantity("scores/<codes>/dci_es/disentanglement", "DCI-ES disentanglement", "DCI-ES D",
             "", "higher", "dci_es"),
    Quantity("scores/<codes>/dci_es/completeness", "DCI-ES completeness", "DCI-ES C",
             "", "higher", "dci_es"),
    Quantity("scores/<codes>/dci_es/informativeness", "DCI-ES informativeness", "DCI-ES I",
             "", "higher", "dci_es"),
    Quantity("scores/<codes>/dci_es/explicitness/<factor>", "DCI-ES explicitness of <factor>",
             "DCI-ES E of <factor>", family="dci_es"),
    Quantity("scores/<codes>/dci_es/loss/<size>", "loss of DCI-ES's probes of size <size>",
             "DCI-ES loss at <size>", family="dci_es"),
    Quantity("scores/<codes>/dci_es_groups/disentanglement", "DCI-ES disentanglement of groups",
             "DCI-ES D of groups", "", "higher", "dci_es_groups",
             score=Score("dci_es.dci_es_groups", of_groups=True)),
    Quantity("scores/<codes>/dci_es_groups/completeness", "DCI-ES completeness of groups",
             "DCI-ES C of groups", "", "higher", "dci_es_groups"),
    Quantity("scores/<codes>/dci_es_groups/size", "DCI-ES size, factors per group",
             "DCI-ES S of groups", family="dci_es_groups"),
)  # fmt: skip
